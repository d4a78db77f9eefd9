"""`run`: a whole experiment without a screen."""

import argparse
import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cl_core import recipe
from cl_core.commands import duration, options, progress, report
from cl_core.config import Config, ConfigError, differences
from cl_core.presets import DEFAULTS
from cl_core.snapshot import Snapshot
from cl_core.store import Store, StoreError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("run", help="learn a stream of tasks, invert, and write what was found")
    options.add_config_options(parser)
    options.add_tasks_option(parser)
    parser.add_argument(
        "--from",
        type=Path,
        dest="recipe",
        metavar="FILE.json",
        help="the steps to take, as `export` and the app write them",
    )
    options.add_store_option(parser)
    duration.add_option(parser)
    parser.add_argument("--out", type=Path, help="folder for the results; default: runs/PRESET-STRATEGY-SEED")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Run to the end of the stream, or along --from. After each step the results so far are written."""
    if args.recipe is not None:
        _follow(args)
        return
    config = options.config_from(args)
    if not duration.agreed(args, [config]):
        return
    out = args.out or Path("runs") / f"{args.preset}-{config.learn.strategy}-{config.machine.seed}"
    _run(progress.steps(config, Store(args.store)), out, command_line(config, args.store), args.store)


def _follow(args: argparse.Namespace) -> None:
    """Take the steps of a file. Raises ConfigError when other settings are asked for beside them."""
    if args.set or args.seed is not None or args.strategy is not None or args.stream_tasks is not None:
        raise ConfigError("--from brings all its settings: leave --set, --seed, --strategy and --tasks away.")
    steps = recipe.read(args.recipe)
    out = args.out or Path("runs") / args.recipe.stem
    words = ["python", "-m", "cl_core", "run", "--from", str(out / "settings.json"), "--store", str(args.store)]
    _run(progress.along(steps, Store(args.store)), out, shlex.join(words), args.store)


def _run(snapshots: Iterator[Snapshot], out: Path, command: str, store: Path) -> None:
    path: list[Snapshot] = []
    for snapshot in snapshots:
        path.append(snapshot)
        try:
            write(out, path, command)
        except OSError as error:
            raise StoreError(f"The results cannot be written to {out} ({error.strerror or error}).") from error
    if path[-1].tasks_learned:
        print(f"\n{report.table(report.measures(path))}")
    print(f"\nWritten to {out}; the steps are in {store}.")


def write(out: Path, path: Sequence[Snapshot], command: str) -> None:
    """run.json, settings.json (for --from), metrics.csv; after an inversion, a sheet of images."""
    out.mkdir(parents=True, exist_ok=True)
    leaf = path[-1]
    summary: dict[str, Any] = {
        "command": command,
        "config": leaf.config.to_dict(),
        "versions": report.versions(),
        "device": leaf.record["device"],
        "measures": {split: report.measures(path, split) for split in ("validation", "test")},
        "nodes": [{"id": s.id, "verb": s.verb, "tasks_learned": s.tasks_learned} for s in path],
        "finished": leaf.next_verb is None,
    }
    (out / "run.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "settings.json").write_text(recipe.of(path).to_json(), encoding="utf-8")
    if leaf.verb == "learn":
        report.write_csv(out / "metrics.csv", leaf.record)
    if leaf.verb == "invert":
        report.sheet(leaf).save(out / f"synthetic-after-task-{leaf.tasks_learned}.png")


def command_line(config: Config, store: Path) -> str:
    """The command that reproduces a run, whatever the presets become."""
    words = ["python", "-m", "cl_core", "run", "--preset", DEFAULTS, "--store", str(store)]
    for section, name, _, value in differences(Config(), config):
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        words += ["--set", f"{section}.{name}={text}"]
    return shlex.join(words)
