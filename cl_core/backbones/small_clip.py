"""The small CLIP that comes with the program, as it is stored.

Its file holds float16 weights and only the rows of the token embedding that occurred in its training.
"""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from cl_core.backbones.architectures import SMALL, config_of, construct
from cl_core.backbones.checkpoints import DAMAGED
from cl_core.backbones.clip import EMBEDDING, TOKENS, Clip, expanded
from cl_core.config import ConfigError
from cl_core.datasets import ASSETS

SMALL_WEIGHTS = ASSETS / "clip" / f"{SMALL}.safetensors"
SMALL_MEAN, SMALL_STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
_REBUILD = "run `python -m cl_core pretrain-clip` to make it again"


def load_small(file: Path = SMALL_WEIGHTS) -> Clip:
    """The small CLIP in a file that `save_small` has written. Raises ConfigError."""
    try:
        if not file.is_file():
            raise FileNotFoundError(file)
        with safe_open(file, "pt") as content:
            tensors = {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118 – no mapping
    except DAMAGED as error:
        raise ConfigError(f"The weights file {file} cannot be read; {_REBUILD}.") from error
    try:
        model = construct(SMALL, config_of(SMALL), 0)
        ids = tensors.pop(TOKENS).long()
        tensors[EMBEDDING] = expanded(model, ids, tensors[EMBEDDING])
        model.load_state_dict({key: tensor.float() for key, tensor in tensors.items()})
        if not all(tensor.isfinite().all() for tensor in model.state_dict().values()):
            raise ValueError("Some of its values are no numbers.")
    except DAMAGED as error:
        raise ConfigError(f"The weights file {file} is not one of the small CLIP; {_REBUILD}.") from error
    return Clip(model, SMALL, SMALL_MEAN, SMALL_STD, frozenset(ids.tolist())).eval()


def save_small(compact: nn.Module, token_ids: Tensor, file: Path, about: dict[str, str]) -> None:
    """Write the folded weights of `construct_compact` in float16 with the rows' token ids (rows,); about: metadata."""
    tensors = {key: tensor.half().contiguous() for key, tensor in compact.state_dict().items()}
    tensors[TOKENS] = token_ids.to(torch.int32)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file, metadata=about)


def normalise(images: Tensor) -> Tensor:
    """Images (n, 3, h, w) in [0, 1] as the small CLIP's tower takes them, in its training as later."""
    mean, std = (torch.tensor(of).view(3, 1, 1) for of in (SMALL_MEAN, SMALL_STD))
    return (images - mean) / std
