"""Weights in a file from elsewhere: read only when they are data, and nothing that runs."""

import pickle
import struct
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from cl_core.config import ConfigError

DAMAGED = (  # what readers raise on bytes that are no weights
    OSError, SafetensorError, pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError, KeyError,
    IndexError, TypeError, AttributeError, OverflowError, MemoryError, AssertionError, ImportError, struct.error,
)  # fmt: skip


def check_is_data(file: Path) -> None:
    """Raises ConfigError when a checkpoint file is damaged, or would run code when it is read."""
    try:
        if file.suffix == ".safetensors":
            with safe_open(file, "pt"):
                return
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as parts:
                if sum(part.file_size for part in parts.infolist()) > 2 * file.stat().st_size:
                    raise ValueError("It is packed tighter than weights can be.")
        content = torch.load(file, map_location="meta", weights_only=True)
    except DAMAGED as error:
        raise ConfigError(
            f"The checkpoint {file} cannot be read; it must be .safetensors, or hold nothing but weights."
        ) from error
    if not isinstance(content, dict):
        raise ConfigError(f"The checkpoint {file} holds no weights by name.")
