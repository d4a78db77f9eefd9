"""`build-example`: the finished experiment that the first page of the dashboard shows."""

import argparse
import dataclasses
import json
import shutil
import tempfile
from pathlib import Path

from cl_core import heats, strategies
from cl_core.commands import options, progress
from cl_core.datasets import ASSETS
from cl_core.files import Files
from cl_core.presets import preset
from cl_core.racers import FIRST, RACERS
from cl_core.snapshot import Snapshot, freeze
from cl_core.store import Store, StoreError

LIMIT = 5_000_000  # bytes
MAIN, BESIDE = "pmi", ("finetune", "gaussians")  # the method, the control that forgets, the control without images
LOOKED_AT = ("view", "film")  # groups of arrays, beside the synthetic images
UNITS, SHOWN, LOOKS = 50, 10, 5  # of the race: compute, images kept, moments
TITLE = "Fashion-MNIST, 5 tasks of 2 classes"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("build-example", help="make the example experiment in assets/")
    options.add_store_option(parser)
    parser.add_argument("--out", type=Path, default=ASSETS / "example", help="folder to write; default: assets/example")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Run the demo with seed 0, the method and its two controls, and keep of it what is looked at: no model.

    What was in the folder is replaced when all is well. Raises StoreError when it would be too heavy.
    """
    leaves = {}
    with tempfile.TemporaryDirectory() as folder:
        example = Store(Path(folder) / "example")
        for strategy in (MAIN, *BESIDE):
            config = strategies.configure(preset("demo"), strategy)
            for snapshot in progress.steps(config, Store(args.store)):
                example.save(for_looking(snapshot))
                leaves[strategy] = snapshot.id
        _race(Store(args.store).load(leaves[MAIN]), example.files)
        index = {"title": TITLE, "main": leaves[MAIN], "beside": {name: leaves[name] for name in BESIDE}}
        (example.path / "index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
        weight = sum(file.stat().st_size for file in example.path.rglob("*") if file.is_file())
        if weight > LIMIT:
            raise StoreError(
                f"The example weighs {weight / 1e6:.1f} MB, more than {LIMIT / 1e6:.0f} MB; it was left as it is."
            )
        for old in ("nodes", "objects", heats.FOLDER):
            shutil.rmtree(args.out / old, ignore_errors=True)
        shutil.copytree(example.path, args.out, copy_function=shutil.copyfile, dirs_exist_ok=True)
    print(f"Wrote the example to {args.out}: {weight / 1e6:.1f} MB.")


def _race(leaf: Snapshot, files: Files) -> None:
    """A race at the end of the main branch, whose network is at hand now; fewer of its images than the app keeps."""
    from cl_core import race

    course, training = heats.courses(leaf)
    for racer in RACERS:
        if racer.name in FIRST:
            settings = progress.watch(race.tuning(racer, training, UNITS, course), f"Step sizes of “{racer.name}”")
            heat = progress.watch(heats.run(racer, settings, course, UNITS, SHOWN, LOOKS), f"“{racer.name}” races")
            heats.save(files, heats.name_of(leaf.id, racer, UNITS), heat)


def for_looking(snapshot: Snapshot) -> Snapshot:
    """The snapshot without what only computing needs; of the statistics, those of the image."""

    def looked_at(name: str) -> bool:
        group = name.partition("/")[0]
        return group in LOOKED_AT or group.startswith("synthetic") or (group == "statistics" and "/input0/" in name)

    return dataclasses.replace(snapshot, arrays=freeze({n: a for n, a in snapshot.arrays.items() if looked_at(n)}))
