"""`info`: what there is to choose from."""

import argparse
import dataclasses
from typing import Any

from cl_core import datasets
from cl_core.commands import report
from cl_core.config import Config, differences
from cl_core.presets import PRESETS, preset


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("info", help="list strategies, presets, data sets, settings and versions")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print it all. Raises DataError when the bundled data is damaged."""
    from cl_core import strategies  # needs torch

    print("Strategies")
    for name in strategies.names():
        print(f"  {name:<14} {strategies.describe(name)}")
    print("\nPresets, and what each overrides in the defaults, which are the paper's")
    for name in PRESETS:
        changes = [f"{s}.{n}: {show(old)} → {show(new)}" for s, n, old, new in differences(Config(), preset(name))]
        print(f"  {name}: {len(changes) or 'no'} changes")
        print("".join(f"    {change}\n" for change in changes), end="")
    print("\nData sets")
    for name in datasets.NAMES:
        data = datasets.load(name)
        sizes = ", ".join(f"{len(data.split(split))} {split}" for split in datasets.SPLITS)
        names = ", ".join(data.class_names[:10]) + ", …" * (len(data.class_names) > 10)
        print(f"  {name}: {len(data.class_names)} classes ({names}); {sizes}; {data.licence}")
    print(
        f"  also {', '.join(datasets.vision.SOURCES)} (`python -m cl_core data` says which are here), and folder:PATH"
    )
    print("\nSettings: --set SECTION.NAME=VALUE")
    for section in dataclasses.fields(Config):
        for f in dataclasses.fields(getattr(Config(), section.name)):
            print(f"  {section.name + '.' + f.name:<30} {show(f.default):<14} {allowed(f):<34} {f.metadata['label']}")
    print("\nVersions\n  " + ", ".join(f"{name} {number}" for name, number in report.versions().items()))


def allowed(f: dataclasses.Field) -> str:
    """What a setting may be."""
    meta = f.metadata
    if meta["options"]:
        return " | ".join(meta["options"])
    if isinstance(f.default, bool):
        return "true | false"
    if meta["low"] is None:
        return "text"
    return f"{meta['low']:g} … {meta['high']:g}" + (" each" if isinstance(f.default, tuple) else "")


def show(value: Any) -> str:
    """A value as --set takes it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "(none)"
    return f"{value:g}" if isinstance(value, float) else str(value)
