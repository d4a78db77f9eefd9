"""A name → images and class names. Bundled data only, for now; no torch.

A bundled data set is a folder of `assets/`: meta.json (names, sizes, licence, checksums) and one .npz a split, with
`images` uint8 (n, c, h, w) and `labels` int64 (n,). Other kinds of names (torchvision sets, "folder:PATH") will join
in `load`.
"""

import functools
import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from lzma import LZMAError
from pathlib import Path
from typing import Any

import numpy as np

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SPLITS = ("train", "validation", "test")
NAMES = ("fashion-mnist",)  # what `load` knows

_REBUILD = "run `python -m cl_core build-data` to build it again"


class DataError(ValueError):
    """Data cannot be read. The message is one sentence for people: which file, and what to do."""


@dataclass(frozen=True)
class Split:
    """Images of one split and their classes; the arrays are read-only."""

    images: np.ndarray  # uint8 (n, c, h, w)
    labels: np.ndarray  # int64 (n,)

    def __post_init__(self) -> None:
        self.images.flags.writeable = False
        self.labels.flags.writeable = False

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, index: np.ndarray) -> "Split":
        """The images at `index`, in that order."""
        return Split(self.images[index], self.labels[index])


@dataclass(frozen=True)
class Dataset:
    """A data set whose splits are read when they are first asked for, and kept."""

    name: str
    class_names: tuple[str, ...]
    fingerprint: str  # hex; equal fingerprints are equal images
    licence: str
    read: Callable[[str], Split] = field(repr=False, compare=False)
    _kept: dict[str, Split] = field(default_factory=dict, init=False, repr=False, compare=False)

    def split(self, name: str) -> Split:
        """The split of that name, one of SPLITS. Raises DataError when its file is damaged."""
        if name not in self._kept:
            self._kept[name] = self.read(name)
        return self._kept[name]


def load(name: str) -> Dataset:
    """The data set of that name, its files verified. Raises DataError."""
    if name not in NAMES:
        raise DataError(f"There is no data set “{name}”; known are {', '.join(NAMES)}.")
    return _bundled(ASSETS / name)


@functools.lru_cache(maxsize=4)  # one set of arrays for all the experiments of a process
def _bundled(folder: Path) -> Dataset:
    meta = _read_meta(folder)
    for split in SPLITS:
        file = folder / f"{split}.npz"
        try:
            content = file.read_bytes()
        except OSError as error:
            raise DataError(f"The data file {file} cannot be read ({error.strerror}); {_REBUILD}.") from error
        if hashlib.sha256(content).hexdigest() != meta["sha256"][file.name]:
            raise DataError(f"The data file {file} is damaged (its checksum differs); {_REBUILD}.")
    checksums = "".join(meta["sha256"][f"{split}.npz"] for split in SPLITS)
    return Dataset(
        name=meta["name"],
        class_names=tuple(meta["class_names"]),
        fingerprint=hashlib.sha256(checksums.encode()).hexdigest(),
        licence=meta["licence"],
        read=lambda split: _read_split(folder / f"{split}.npz"),
    )


def _read_meta(folder: Path) -> dict[str, Any]:
    file = folder / "meta.json"
    try:
        meta = json.loads(file.read_text(encoding="utf-8"))
        files = {f"{split}.npz" for split in SPLITS}
        complete = {"name", "class_names", "licence"} <= set(meta) and files <= set(meta["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"The data file {file} cannot be read; {_REBUILD}.") from error
    if not complete:
        raise DataError(f"The data file {file} is incomplete; {_REBUILD}.")
    return meta


def _read_split(file: Path) -> Split:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return Split(arrays["images"], arrays["labels"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, LZMAError) as error:
        raise DataError(f"The data file {file} cannot be read; {_REBUILD}.") from error
