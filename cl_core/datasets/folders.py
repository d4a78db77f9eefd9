"""A folder of images as a data set: one sub-folder a class, of any sizes and modes. No torch.

Each image is turned upright, cut to its central square and scaled to 32 × 32 RGB. A class's images are shared out by a
permutation drawn from its name: 70 % to learn from, 15 % for validation, 15 % for test.
"""

import functools
import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cl_core.datasets.base import SPLITS, DataError, Dataset, Split

SIDE = 32
LEAST = 5  # images a class: fewer cannot be shared out
MOST_CLASSES, MOST_IMAGES = 200, 50_000
MOST_BYTES, MOST_PIXELS = 30_000_000, 60_000_000  # of one file; larger ones are not opened
SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")


def load(path: str) -> Dataset:
    """The data set in a folder. Raises DataError when it has fewer than two classes or a class with too few images."""
    root = Path(path).expanduser()
    if not root.is_dir():
        raise DataError(f"There is no folder {root}; name one that has a sub-folder of images for each class.")
    try:
        files = {folder.name: _image_files(folder, root) for folder in _class_folders(root)}
        stamp = tuple((str(f), f.stat().st_size, f.stat().st_mtime_ns) for of in files.values() for f in of)
    except OSError as error:
        raise DataError(f"The folder {root} cannot be read ({error.strerror or error}).") from error
    if len(files) < 2:
        raise DataError(f"{root} has {len(files)} sub-folders of images; at least two classes are needed.")
    if len(files) > MOST_CLASSES or len(stamp) > MOST_IMAGES:
        raise DataError(
            f"{root} has {len(files)} classes and {len(stamp)} images; "
            f"at most {MOST_CLASSES} classes and {MOST_IMAGES} images can be loaded."
        )
    return _load(root, stamp)


@functools.lru_cache(maxsize=2)  # decoded once, until a file changes; `stamp` is the key for that
def _load(root: Path, stamp: tuple[tuple[str, int, int], ...]) -> Dataset:
    by_class: dict[str, list[np.ndarray]] = {}
    damaged = 0
    for name, _, _ in stamp:
        image = _read(Path(name))
        if image is None:
            damaged += 1
        else:
            by_class.setdefault(Path(name).parent.name, []).append(image)
    empty = {Path(name).parent.name for name, _, _ in stamp} - set(by_class)
    for name in [*empty, *by_class]:
        count = len(by_class.get(name, []))
        if count < LEAST:
            raise DataError(
                f"The class “{name}” has {count} readable images; at least {LEAST} are needed for each class."
            )
    names = tuple(sorted(by_class))
    splits = _share_out(names, by_class)
    digest = hashlib.sha256("\n".join(names).encode())
    for split in SPLITS:
        digest.update(splits[split].images.tobytes())
    skipped = f"; {damaged} files could not be read and were left out" if damaged else ""
    return Dataset(
        name=f"folder:{root}",
        class_names=names,
        fingerprint=digest.hexdigest(),
        licence=f"your own images{skipped}",
        read=lambda split: splits[split],
    )


def _class_folders(root: Path) -> Iterator[Path]:
    """Sub-folders with images, by name. Links are not followed, hidden ones are left out."""
    for folder in sorted(root.iterdir()):
        if (
            folder.is_dir()
            and not folder.is_symlink()
            and not folder.name.startswith(".")
            and _image_files(folder, root)
        ):
            yield folder


def _image_files(folder: Path, root: Path) -> list[Path]:
    """Image files of a class, by name. Links are not followed: nothing outside the chosen folder is read."""
    found = [f for f in sorted(folder.iterdir()) if f.suffix.lower() in ENDINGS and f.is_file() and not f.is_symlink()]
    return [file for file in found if not file.name.startswith(".")]


def _read(file: Path) -> np.ndarray | None:
    """The image as uint8 (3, SIDE, SIDE), or None when it is damaged or too large."""
    try:
        if file.stat().st_size > MOST_BYTES:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                if image.width * image.height > MOST_PIXELS:
                    return None
                upright = ImageOps.exif_transpose(image).convert("RGBA")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError, Warning, EOFError):
        return None
    ground = Image.new("RGBA", upright.size, "white")
    flat = Image.alpha_composite(ground, upright).convert("RGB")
    return np.asarray(ImageOps.fit(flat, (SIDE, SIDE), Image.Resampling.BOX)).transpose(2, 0, 1)


def _share_out(names: tuple[str, ...], by_class: dict[str, list[np.ndarray]]) -> dict[str, Split]:
    """The splits: at least one image of each class in each of them."""
    parts: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    labels: dict[str, list[int]] = {split: [] for split in SPLITS}
    for label, name in enumerate(names):
        images = by_class[name]
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        order = np.random.default_rng(seed).permutation(len(images))
        few = max(1, round(SHARES["validation"] * len(images)))
        for split, rows in zip(SPLITS, np.split(order, [len(order) - 2 * few, len(order) - few]), strict=True):
            parts[split] += [images[row] for row in rows]
            labels[split] += [label] * len(rows)
    return {s: Split(np.stack(parts[s]), np.array(labels[s], np.int64)) for s in SPLITS}
