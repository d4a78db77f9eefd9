"""A name → images and class names; no torch. Bundled sets (bundled.py) and folders of images (folders.py)."""

from cl_core.datasets import bundled, folders
from cl_core.datasets.base import ASSETS, SPLITS, DataError, Dataset, Split

__all__ = ["ASSETS", "NAMES", "SPLITS", "DataError", "Dataset", "Split", "load"]

NAMES = ("fashion-mnist",)  # the bundled ones


def load(name: str) -> Dataset:
    """The data set of that name: a bundled one, or "folder:PATH". Raises DataError."""
    if name.startswith("folder:"):
        return folders.load(name.removeprefix("folder:"))
    if name not in NAMES:
        raise DataError(f"There is no data set “{name}”; known are {', '.join(NAMES)} and folder:PATH.")
    return bundled.load(ASSETS / name)
