"""Where the weights of a CLIP come from: the program, a seed, a file on this computer, or a tag of open_clip."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from cl_core.backbones import architectures
from cl_core.backbones.architectures import SMALL, config_of, construct
from cl_core.backbones.checkpoints import DAMAGED, check_is_data
from cl_core.backbones.clip import EMBEDDING, MEAN, QUICK, STD, TOKENS, Clip, expanded
from cl_core.backbones.small_clip import SMALL_MEAN, SMALL_STD, SMALL_WEIGHTS, load_small
from cl_core.config import ConfigError

RANDOM = "random"  # a checkpoint that stands for random weights


def build(name: str = SMALL, checkpoint: str = "", seed: int | None = None) -> Clip:
    """The CLIP of that name, in evaluation mode.

    checkpoint: "" the weights that come with the program (SMALL alone has such); else a file (.safetensors, or one that
    torch.load reads with weights_only) or a pretrained tag of open_clip that `fetch` has fetched before: nothing is
    fetched here. seed: take random weights from it instead. Raises ConfigError when the name, the file or the
    architecture in it is another.
    """
    if name == SMALL and seed is None:
        return load_small(Path(checkpoint).expanduser() if checkpoint else SMALL_WEIGHTS)
    config = config_of(name)
    tag = architectures.tag_of(name, checkpoint)
    model = construct(name, config, 0 if seed is None else seed, quick_gelu=tag.get("quick_gelu", False))
    mean, std = (SMALL_MEAN, SMALL_STD) if name == SMALL else (model.visual.image_mean, model.visual.image_std)
    if seed is None:
        fill(model, name, checkpoint, tag)
        mean, std = tag.get("mean", mean), tag.get("std", std)
    return Clip(model, name, mean or architectures.MEAN, std or architectures.STD).eval()


def restore(name: str, fixed: Mapping[str, np.ndarray]) -> Clip:
    """The CLIP of that name with the weights that `fixed_state` has given. Raises ConfigError."""
    try:
        tensors = {key: torch.tensor(array) for key, array in fixed.items()}
        mean, std, quick = (tensors.pop(key) for key in (MEAN, STD, QUICK))
        model = construct(name, config_of(name), 0, quick_gelu=bool(quick))
        read = tensors.pop(TOKENS).long() if TOKENS in tensors else None
        if read is not None:
            tensors[EMBEDDING] = expanded(model, read, tensors[EMBEDDING])
        model.load_state_dict(tensors)
        return Clip(model, name, mean.tolist(), std.tolist(), None if read is None else frozenset(read.tolist())).eval()
    except (KeyError, RuntimeError, IndexError, TypeError) as error:
        raise ConfigError(f"The weights kept with this step are of another architecture than {name}.") from error


def fingerprint(name: str, checkpoint: str) -> str:
    """What identifies weights: a file's checksum, or the name of what is not on this computer or has no file."""
    file = SMALL_WEIGHTS if name == SMALL and not checkpoint else Path(checkpoint).expanduser()
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else checkpoint


def to_fetch(name: str, checkpoint: str) -> int | None:
    """About how many bytes `fetch` would bring before `build` can work; None when that needs none. ConfigError."""
    if name == SMALL or checkpoint in ("", RANDOM) or Path(checkpoint).expanduser().is_file():
        return None
    tag = architectures.tag_of(name, checkpoint)
    return architectures.bytes_of(name) if tag and architectures.file_of(tag) is None else None


def fetch(name: str, checkpoint: str) -> None:
    """Bring the weights of a pretrained tag over the internet, unless they are here. Raises ConfigError."""
    if to_fetch(name, checkpoint) is None:
        return
    try:
        architectures.fetch(architectures.tag_of(name, checkpoint))
    except Exception as error:  # whatever the hub's client and the connection raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ConfigError(f"The weights {checkpoint} of {name} could not be fetched ({reason}).") from error


def fill(model: nn.Module, name: str, checkpoint: str, tag: Mapping[str, Any]) -> None:
    """Load a checkpoint file, or the weights of a pretrained tag. Raises ConfigError."""
    file = architectures.file_of(tag) if tag else Path(checkpoint).expanduser()
    if file is None:
        raise ConfigError(
            f"The weights {checkpoint} of {name} are not on this computer. Nothing is fetched unless you ask for it: "
            f"`python -m cl_core clip {name} --fetch {checkpoint}`."
        )
    if not checkpoint or not file.is_file():
        tags = ", ".join(architectures.tags_of(name)) or "none"
        if not checkpoint:
            raise ConfigError(f"{name} needs weights: a file on this computer, or one of its tags ({tags}).")
        raise ConfigError(f"“{checkpoint}” is no file on this computer, and no tag that {name} has ({tags}).")
    check_is_data(file)
    try:
        architectures.load_weights(model, file)
    except DAMAGED as error:
        raise ConfigError(f"The checkpoint {file} is of another architecture than {name}.") from error
