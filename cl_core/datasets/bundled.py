"""The data sets that come with the program.

Each is a folder of `assets/`: meta.json (names, sizes, licence, checksums) and one .npz a split, with `images` uint8
(n, c, h, w) and `labels` int64 (n,).
"""

import functools
import hashlib
import json
import zipfile
from lzma import LZMAError
from pathlib import Path
from typing import Any

import numpy as np

from cl_core.datasets.base import SPLITS, DataError, Dataset, Split

PREPARATION = (
    "The images are used as they are.",
    "They are a fair sample of the original set: as many of each class, drawn once and for all; the test images come "
    "from the original's test part.",
)
_REBUILD = "run `python -m cl_core build-data` to build it again"


@functools.lru_cache(maxsize=4)  # one set of arrays for all the experiments of a process
def load(folder: Path) -> Dataset:
    """The data set in a folder of `assets/`, its files verified. Raises DataError."""
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
        preparation=PREPARATION,
    )


def _read_meta(folder: Path) -> dict[str, Any]:
    file = folder / "meta.json"
    try:
        meta = json.loads(file.read_text(encoding="utf-8"))
        files = {f"{split}.npz" for split in SPLITS}
        complete = {"name", "class_names", "licence"} <= set(meta) and files <= set(meta["sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
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
