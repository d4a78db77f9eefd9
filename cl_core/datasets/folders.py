"""A folder of images as a data set: one sub-folder a class, of any sizes and modes. No torch.

Or PATH/domain/class/images: then every sub-folder is a domain (photos, sketches …) with the same classes in it.
Each image is turned upright, cut to its central square and scaled to 32 × 32 RGB. A class's images (in each domain)
are shared out by a permutation drawn from its name: 70 % to learn from, 15 % for validation, 15 % for test.
"""

import functools
import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cl_core.datasets.base import SPLITS, DataError, Dataset, Split
from cl_core.pulse import pulse

SIDE = 32
LEAST = 5  # images a class: fewer cannot be shared out
MOST_CLASSES, MOST_IMAGES = 200, 50_000
MOST_BYTES, MOST_PIXELS = 30_000_000, 25_000_000  # of one file; larger ones are not opened
MOST_JPEG_PIXELS = 60_000_000  # of a JPEG, which can be decoded smaller
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation"}  # what splits are called
SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
PREPARATION = (
    f"Each image is turned upright, cut to its central square and scaled to {SIDE} × {SIDE} in colour; what is "
    "transparent becomes white.",
    "70 % of each class are learned from, 15 % are for validation and 15 % for the test, always the same ones.",
    "The files themselves stay as they are, and stay on this computer.",
)
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")

# What a file may be, whatever its name says: PostScript, for one, would be handed to another program.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")


class _Place(NamedTuple):
    """Where images belong; domain "" in a folder without domains."""

    domain: str
    label: str

    def __str__(self) -> str:
        return f"The class “{self.label}”" + (f" of the domain “{self.domain}”" if self.domain else "")


class _File(NamedTuple):
    """An image file as it is now: size and time of change tell when it has to be decoded again."""

    place: _Place
    path: str
    size: int
    changed: int


def load(path: str) -> Dataset:
    """The data set in a folder. Raises DataError when it has fewer than two classes or a class with too few images."""
    if not path.strip():
        raise DataError("“folder:” needs a path after it: a folder that has a sub-folder of images for each class.")
    try:
        root = Path(path).expanduser()
        if not root.is_dir():
            raise DataError(f"There is no folder {root}; name one that has a sub-folder of images for each class.")
        files = tuple(_files(root))
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no such home folder
        raise DataError(f"The folder {path} cannot be read ({getattr(error, 'strerror', None) or error}).") from error
    _check(root, files)
    return _load(root, files)


def _files(root: Path) -> Iterator[_File]:
    """Every image file, by domain, class and name. Raises DataError when the folders are not one way or the other."""
    folders = _sub_folders(root)
    classes = [folder for folder in folders if _images(folder)]
    others = [folder for folder in folders if folder not in classes]
    domains = [folder for folder in others if any(_images(inner) for inner in _sub_folders(folder))]
    if classes and domains:
        raise DataError(
            f"In {root}, “{classes[0].name}” holds images and “{domains[0].name}” has sub-folders of images; either "
            "all of them are classes with images, or all of them are domains with a sub-folder for each class."
        )
    if len(domains) == 1:
        raise DataError(f"{root} has only the folder “{domains[0].name}” in it; did you mean {domains[0]}?")
    if domains and {domain.name.lower() for domain in domains} <= PARTS:
        largest = next((domain for domain in domains if domain.name.lower().startswith("train")), domains[0])
        raise DataError(
            f"{root} is divided into {' and '.join(d.name for d in domains)} already, which are no domains; "
            f"name {largest} alone: the splits are drawn here."
        )
    if not folders and _images(root):
        raise DataError(f"{root} holds images, but no sub-folders; sort the images into one sub-folder for each class.")
    for domain, folder in [(d.name, inner) for d in domains for inner in _sub_folders(d)] or [("", f) for f in classes]:
        for file in _images(folder):
            stat = file.stat()
            yield _File(_Place(domain, folder.name), str(file), stat.st_size, stat.st_mtime_ns)


def _sub_folders(folder: Path) -> list[Path]:
    """Sub-folders by name. Links are not followed, hidden ones are left out."""
    found = [f for f in sorted(folder.iterdir()) if f.is_dir() and not f.is_symlink()]
    return [inner for inner in found if not inner.name.startswith(".")]


def _images(folder: Path) -> list[Path]:
    """Image files in a folder, by name. Links are not followed: nothing outside the chosen folder is read."""
    found = [f for f in sorted(folder.iterdir()) if f.suffix.lower() in ENDINGS and f.is_file() and not f.is_symlink()]
    return [file for file in found if not file.name.startswith(".")]


def _check(root: Path, files: tuple[_File, ...]) -> None:
    """Raises DataError when these are too few or too many classes or images, or a domain lacks a class."""
    places = {file.place for file in files}
    labels = sorted({place.label for place in places})
    if len(labels) < 2:
        have = f"only one sub-folder of images (“{labels[0]}”)" if labels else "no sub-folder with images"
        raise DataError(f"{root} has {have}; at least two classes are needed, each a sub-folder with its images.")
    if len(labels) > MOST_CLASSES or len(files) > MOST_IMAGES:
        raise DataError(
            f"{root} has {len(labels)} classes and {len(files)} images; "
            f"at most {MOST_CLASSES} classes and {MOST_IMAGES} images can be loaded."
        )
    for domain in sorted({place.domain for place in places}):
        for label in labels:
            if _Place(domain, label) not in places:
                raise DataError(
                    f"The domain “{domain}” has no images of the class “{label}”; every domain needs the same classes."
                )


@functools.lru_cache(maxsize=2)  # decoded once, until a file changes: `files` is the key for that
def _load(root: Path, files: tuple[_File, ...]) -> Dataset:
    images: dict[_Place, list[np.ndarray]] = {file.place: [] for file in files}
    for file in files:
        pulse()
        image = _read(Path(file.path))
        if image is not None:
            images[file.place].append(image)
    for place, readable in images.items():
        if len(readable) < LEAST:
            count = f"{len(readable)} readable image{'' if len(readable) == 1 else 's'}"
            raise DataError(f"{place} has {count}; at least {LEAST} are needed for each class.")
    names = tuple(sorted({place.label for place in images}))
    domains = tuple(sorted({place.domain for place in images} - {""}))
    splits = _share_out(names, domains, images)
    damaged = len(files) - sum(map(len, images.values()))
    return Dataset(
        name=f"folder:{root}",
        class_names=names,
        fingerprint=_fingerprint(names, domains, splits),
        licence=f"your own images{_left_out(damaged)}",
        read=lambda split: splits[split],
        domains=domains,
        preparation=PREPARATION,
    )


def _left_out(damaged: int) -> str:
    if damaged <= 1:
        return "; 1 file could not be read and was left out" if damaged else ""
    return f"; {damaged} files could not be read and were left out"


def _read(file: Path) -> np.ndarray | None:
    """The image in a file as `picture` gives it."""
    try:
        if file.stat().st_size > MOST_BYTES:
            return None
        with file.open("rb") as content:
            return picture(content)
    except OSError:
        return None


def picture(content: BinaryIO) -> np.ndarray | None:
    """An image file's content as uint8 (3, SIDE, SIDE), or None when it is damaged or too large."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(content, formats=FORMATS) as image:
                if image.width * image.height > (MOST_JPEG_PIXELS if image.format == "JPEG" else MOST_PIXELS):
                    return None
                image.draft(None, (8 * SIDE, 8 * SIDE))  # a large JPEG is decoded smaller, which is much quicker
                upright = _in_bytes(ImageOps.exif_transpose(image)).convert("RGBA")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError, Warning, EOFError):
        return None
    small = ImageOps.fit(upright, (SIDE, SIDE), Image.Resampling.BOX)  # first: the rest is quick then
    ground = Image.new("RGBA", small.size, "white")
    return np.asarray(Image.alpha_composite(ground, small).convert("RGB")).transpose(2, 0, 1)


def _in_bytes(image: Image.Image) -> Image.Image:
    """An image of 16 bits a pixel as one of 8, of which Pillow would make white; all others as they are."""
    if not image.mode.startswith("I;16"):
        return image
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))


def _share_out(
    names: tuple[str, ...], domains: tuple[str, ...], images: dict[_Place, list[np.ndarray]]
) -> dict[str, Split]:
    """The splits: at least one image of each class, of each domain, in each of them."""
    parts: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    places: dict[str, list[tuple[int, int]]] = {split: [] for split in SPLITS}
    for place in sorted(images):
        found = images[place]
        seed_text = f"{place.domain}/{place.label}" if place.domain else place.label
        seed = int.from_bytes(hashlib.sha256(seed_text.encode()).digest()[:8], "big")
        order = np.random.default_rng(seed).permutation(len(found))
        few = max(1, round(SHARES["validation"] * len(found)))
        for split, rows in zip(SPLITS, np.split(order, [len(order) - 2 * few, len(order) - few]), strict=True):
            parts[split] += [found[row] for row in rows]
            domain = domains.index(place.domain) if domains else 0
            places[split] += [(names.index(place.label), domain)] * len(rows)
    index = {split: np.array(places[split], np.int64) for split in SPLITS}
    return {
        s: Split(np.stack(parts[s]), index[s][:, 0].copy(), index[s][:, 1].copy() if domains else None) for s in SPLITS
    }


def _fingerprint(names: tuple[str, ...], domains: tuple[str, ...], splits: dict[str, Split]) -> str:
    digest = hashlib.sha256("\n".join((*names, "", *domains) if domains else names).encode())
    for split in SPLITS:
        part = splits[split]
        for array in (part.images, part.labels, part.domains):
            if array is not None:
                digest.update(array.tobytes())
    return digest.hexdigest()
