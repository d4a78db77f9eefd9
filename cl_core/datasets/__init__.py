"""A name → images and class names; no torch.

Bundled sets (bundled.py, emoji.py), well-known ones on this computer (vision.py) and folders of images (folders.py).
"""

from pathlib import Path

from cl_core.datasets import bundled, emoji, folders, vision
from cl_core.datasets.base import ASSETS, SPLITS, DataError, Dataset, Split

__all__ = [
    "ASSETS",
    "FOLDER",
    "NAMES",
    "SPLITS",
    "DataError",
    "Dataset",
    "Split",
    "available",
    "load",
    "may_have_domains",
    "title",
]

NAMES = ("fashion-mnist", *emoji.PREPARATION)  # the bundled ones
TITLES = {"fashion-mnist": "Fashion-MNIST", "emoji": "Emoji, by group", "emoji-concepts": "Emoji, unseen concepts"}
FOLDER = "folder:"


def load(name: str) -> Dataset:
    """The data set of that name: a bundled one, one of vision.SOURCES, or "folder:PATH". Raises DataError."""
    if name.startswith(FOLDER):
        return folders.load(name.removeprefix(FOLDER))
    if name in vision.SOURCES:
        return vision.load(name)
    if name not in NAMES:
        known = ", ".join((*NAMES, *vision.SOURCES))
        raise DataError(f"There is no data set “{name}”; known are {known} and folder:PATH.")
    if name in emoji.PREPARATION:
        return emoji.load(name)
    return bundled.load(ASSETS / name)


def available() -> tuple[str, ...]:
    """The names of the sets that are on this computer, without looking inside."""
    return (*NAMES, *(name for name in vision.SOURCES if vision.on_disk(name)))


def title(name: str) -> str:
    """A data set's name for reading: of a folder, its last part."""
    if name.startswith(FOLDER):
        return Path(name.removeprefix(FOLDER)).name or name
    return vision.SOURCES[name].title if name in vision.SOURCES else TITLES.get(name, name)


def may_have_domains(name: str) -> bool:
    """Whether the same classes may come in several domains; a folder is not looked into."""
    return name == "emoji" or name.startswith(FOLDER)
