"""`data`: which images there are, what is in them and what is done to them; and, when asked, fetching more."""

import argparse

import numpy as np

from cl_core import datasets
from cl_core.config import ConfigError
from cl_core.datasets import SPLITS, Dataset, vision


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("data", help="list the images there are, look into a set, or fetch one")
    parser.add_argument("name", nargs="?", help="a data set, or folder:PATH; without it, all of them are listed")
    parser.add_argument("--fetch", action="store_true", help="fetch this set over the internet, through torchvision")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """List the sets, or show one. Raises DataError when it cannot be read or fetched, ConfigError for a bad name."""
    if args.name is None and args.fetch:
        raise ConfigError(f"--fetch needs the name of a set; there are {', '.join(vision.SOURCES)}.")
    if args.name is None:
        print("\n".join(listing()))
        return
    if args.fetch:
        fetch(args.name)
    print("\n".join(summary(datasets.load(args.name))))


def fetch(name: str) -> None:
    """Fetch a set unless it is here and whole. Raises DataError when it cannot be fetched."""
    if name not in vision.SOURCES:
        raise ConfigError(f"“{name}” cannot be fetched; what can are {', '.join(vision.SOURCES)}.")
    source = vision.SOURCES[name]
    try:
        vision.load(name)
        print(f"{source.title} is here already, in {vision.folder()}.\n")
    except datasets.DataError:
        print(f"Fetching {source.title}, {source.size / 1e6:.0f} MB, to {vision.folder()}.")
        vision.fetch(name)
        print("Fetched.\n")


def listing() -> list[str]:
    """A line a set, and where they lie."""
    lines = [f"{name:<20} comes with the program" for name in datasets.NAMES]
    for name, source in vision.SOURCES.items():
        where = "on this computer" if vision.on_disk(name) else f"{source.size / 1e6:.0f} MB: {vision.command(name)}"
        lines.append(f"{name:<20} {source.about}; {where}")
    lines.append(f"{'folder:PATH':<20} your own images, a sub-folder for each class (or PATH/domain/class)")
    return [*lines, "", f"Fetched sets lie in {vision.folder()}; INVERSION_LAB_DATA names another folder."]


def summary(dataset: Dataset) -> list[str]:
    """How many images of each class there are in each split, what is done to them, and whose they are."""
    channels, height, width = dataset.split("train").images.shape[1:]
    counts = {s: np.bincount(dataset.split(s).labels, minlength=len(dataset.class_names)) for s in SPLITS}
    longest = max(len("Class"), *(len(name) for name in dataset.class_names))
    kind = "grey" if channels == 1 else "colour"
    lines = [f"{datasets.title(dataset.name)}: {len(dataset.class_names)} classes, {height} × {width}, {kind}", ""]
    lines.append(f"{'Class':<{longest}}" + "".join(f"{split:>12}" for split in SPLITS))
    for c, name in enumerate(dataset.class_names):
        lines.append(f"{name:<{longest}}" + "".join(f"{counts[split][c]:>12}" for split in SPLITS))
    lines.append(f"{'all':<{longest}}" + "".join(f"{counts[split].sum():>12}" for split in SPLITS))
    if dataset.domains:
        lines += ["", f"Domains: {', '.join(dataset.domains)}"]
    return [*lines, "", *dataset.preparation, f"Licence: {dataset.licence}."]
