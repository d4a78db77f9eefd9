"""The core: continual learning by layer-wise model inversion. It knows nothing of its interface."""

import os

# Idle compute threads sleep instead of spinning: beside one other busy process on two cores, a convolution step with
# two spinning threads took five times as long as with two sleeping ones. Must be set before torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
