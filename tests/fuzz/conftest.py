"""The stand-in core lies with the dashboard's tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "dashboard"))
