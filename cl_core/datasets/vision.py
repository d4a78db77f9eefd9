"""Well-known image sets on this computer, read and fetched through torchvision.

They lie in ~/.cache/inversion-lab, or where INVERSION_LAB_DATA says, in torchvision's own layout. Nothing is fetched
unless a person asks for it: `python -m cl_core data NAME --fetch`. torchvision brings torch, so it is imported inside
the functions that need it; what is there and what is not is known without.

The test split is the set's own test part. A tenth of each class's training images, drawn with a fixed seed, is the
validation split; both are in the order of the draw, so that the first images of a class are a fair sample.
"""

import functools
import hashlib
import http.client
import os
import shutil
import socket
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cl_core.datasets.base import SPLITS, DataError, Dataset, Split

VALIDATION = 0.1  # share of each class's training images
SEED = 0  # of that draw
PATIENCE = 30.0  # seconds without a byte, after which fetching gives up
_IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_DIGITS = tuple("0123456789")
_ONE_TENTH = "A tenth of each class's training images is set aside for validation; the test images are the set's own."


@dataclass(frozen=True)
class Source:
    """What is known of a set before it is here."""

    title: str
    about: str  # what one sees on the images
    kind: str  # the class in torchvision.datasets
    files: tuple[str, ...]  # below the data folder
    size: int  # bytes to fetch
    licence: str
    class_names: tuple[str, ...] = ()  # () when torchvision's own are used


def _idx(kind: str) -> tuple[str, ...]:
    return tuple(f"{kind}/raw/{name}" for name in _IDX)


def _batches(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names)


_CIFAR_LICENCE = "no licence stated; Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"
SOURCES = {
    "mnist": Source(
        "MNIST", "handwritten digits, 28 × 28 grey", "MNIST", _idx("MNIST"), 11_600_000,
        "CC BY-SA 3.0, © Yann LeCun and Corinna Cortes", _DIGITS,
    ),
    "kmnist": Source(
        "KMNIST", "ten cursive Japanese letters, 28 × 28 grey", "KMNIST", _idx("KMNIST"), 21_300_000,
        "CC BY-SA 4.0, KMNIST dataset (created by CODH), adapted from the Kuzushiji dataset (NIJL and others)",
    ),
    "fashion-mnist-full": Source(
        "Fashion-MNIST, all of it", "ten kinds of clothes, 28 × 28 grey", "FashionMNIST", _idx("FashionMNIST"),
        30_900_000, "MIT, © 2017 Zalando SE",
    ),
    "svhn": Source(
        "SVHN", "house numbers, 32 × 32 colour", "SVHN", ("train_32x32.mat", "test_32x32.mat"), 246_300_000,
        "for non-commercial use only; Netzer and others, Reading Digits in Natural Images, 2011", _DIGITS,
    ),
    "cifar-10": Source(
        "CIFAR-10", "animals and vehicles, 32 × 32 colour", "CIFAR10",
        _batches("cifar-10-batches-py", *(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"),
        170_500_000, _CIFAR_LICENCE,
    ),
    "cifar-100": Source(
        "CIFAR-100", "a hundred kinds of things, 32 × 32 colour", "CIFAR100",
        _batches("cifar-100-python", "train", "test", "meta"), 169_000_000, _CIFAR_LICENCE,
    ),
}  # fmt: skip


def folder() -> Path:
    """Where the sets lie."""
    return Path(os.environ.get("INVERSION_LAB_DATA") or "~/.cache/inversion-lab").expanduser()


def on_disk(name: str) -> bool:
    """Whether every file of a set is there; whether they are whole is known when they are read."""
    return all((folder() / file).is_file() for file in SOURCES[name].files)


def command(name: str) -> str:
    """The command that fetches a set."""
    return f"python -m cl_core data {name} --fetch"


def load(name: str) -> Dataset:
    """The set of that name, one of SOURCES. Raises DataError when it is not on disk, or damaged."""
    source = SOURCES[name]
    if not on_disk(name):
        raise DataError(
            f"{source.title} is not on this computer (looked in {folder()}); `{command(name)}` fetches it: "
            f"{source.size / 1e6:.0f} MB, over the internet."
        )
    files = [folder() / file for file in source.files]
    return _load(name, folder(), tuple((file.stat().st_size, file.stat().st_mtime_ns) for file in files))


def fetch(name: str) -> None:
    """Fetch a set over the internet, check it and put it in its place. Raises DataError when that fails.

    It arrives in `arriving(name)` and is moved only when torchvision has checked and read it, so that a connection
    that breaks leaves nothing half-done.
    """
    source, place = SOURCES[name], arriving(name)
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for part in ("train", "test"):
            _open(source, place, part, download=True)
        for file in source.files:
            target = folder() / file
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(place / file, target)
    except (OSError, RuntimeError, ValueError, EOFError, http.client.HTTPException, tarfile.TarError, zlib.error) as e:
        if isinstance(e, OSError) and e.filename:  # on this side: no room, no permission …
            raise DataError(f"{source.title} could not be stored in {e.filename} ({e.strerror}).") from e
        reason = (str(e).strip().splitlines() or [type(e).__name__])[-1].removeprefix("<urlopen error ").rstrip(">.")
        raise DataError(
            f"{source.title} could not be fetched ({reason}); check the internet connection and try again."
        ) from e
    finally:
        socket.setdefaulttimeout(timeout)
        shutil.rmtree(place, ignore_errors=True)


def arriving(name: str) -> Path:
    """Where a set lies while it is being fetched."""
    return folder() / ".arriving" / name


@functools.lru_cache(maxsize=2)  # read once, until a file changes: `stamp` (size, time of each file) is for that
def _load(name: str, root: Path, stamp: tuple[tuple[int, int], ...]) -> Dataset:
    source = SOURCES[name]
    try:
        training, names = _read(source, root, "train")
        testing, _ = _read(source, root, "test")
        splits = _split(training, testing, len(names))
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, AssertionError, EOFError) as error:
        raise DataError(
            f"The files of {source.title} in {root} are damaged; `{command(name)}` fetches them again."
        ) from error
    digest = hashlib.sha256("\n".join(names).encode())
    for split in SPLITS:
        digest.update(splits[split].images.data)
        digest.update(splits[split].labels.data)
    return Dataset(
        name=name,
        class_names=names,
        fingerprint=digest.hexdigest(),
        licence=source.licence,
        read=lambda split: splits[split],
        preparation=("The images are used as they are.", _ONE_TENTH),
    )


def _open(source: Source, root: Path, part: str, download: bool = False) -> Any:
    """One part as torchvision reads it.

    torchvision reads the CIFAR sets with pickle, which could run code; with and without `download` it first compares
    each file with the official one's MD5 sum, and raises RuntimeError when one differs (CIFAR10.__init__ and
    CIFAR10._load_meta; tests/cl_core/test_vision.py). The other sets hold nothing but numbers.
    """
    import torchvision.datasets

    which: dict[str, Any] = {"split": part} if source.kind == "SVHN" else {"train": part == "train"}
    return getattr(torchvision.datasets, source.kind)(root, download=download, **which)


def _read(source: Source, root: Path, part: str) -> tuple[Split, tuple[str, ...]]:
    found = _open(source, root, part)
    labels = np.asarray(found.labels if source.kind == "SVHN" else found.targets, np.int64)
    images = np.asarray(found.data)
    if images.ndim == 3:  # grey: (n, h, w)
        images = images[:, None]
    elif source.kind != "SVHN":  # (n, h, w, c), while SVHN comes as (n, c, h, w)
        images = images.transpose(0, 3, 1, 2)
    if images.dtype != np.uint8 or len(images) != len(labels):
        raise ValueError("not as many labels as images of bytes")
    return Split(np.ascontiguousarray(images), labels), source.class_names or tuple(found.classes)


def _split(training: Split, testing: Split, classes: int) -> dict[str, Split]:
    """The three splits, class after class. Raises ValueError when a class is missing in one of them, or unknown."""
    if max(training.labels.max(), testing.labels.max()) >= classes:
        raise ValueError("a label is not that of a class")
    generator = np.random.default_rng(SEED)
    rows: dict[str, list[np.ndarray]] = {name: [] for name in SPLITS}
    for label in range(classes):
        drawn = generator.permutation(np.flatnonzero(training.labels == label))
        few = max(1, round(VALIDATION * len(drawn)))
        rows["validation"].append(drawn[:few])
        rows["train"].append(drawn[few:])
        rows["test"].append(np.flatnonzero(testing.labels == label))
    if not all(len(part) for name in SPLITS for part in rows[name]):
        raise ValueError("a class has no images")
    source = {"train": training, "validation": training, "test": testing}
    return {name: source[name].rows(np.concatenate(rows[name])) for name in SPLITS}
