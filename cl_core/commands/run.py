"""`run`: a whole experiment without a screen."""

import argparse
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cl_core.commands import options, progress, report
from cl_core.config import Config, differences
from cl_core.snapshot import Snapshot
from cl_core.store import Store, StoreError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("run", help="learn a stream of tasks, invert, and write what was found")
    options.add_config_options(parser)
    options.add_store_option(parser)
    parser.add_argument("--out", type=Path, help="folder for the results; default: runs/PRESET-STRATEGY-SEED")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Run to the end of the stream. After each step the results so far are written; the steps stay in the store."""
    config = options.config_from(args)
    out = args.out or Path("runs") / f"{args.preset}-{config.learn.strategy}-{config.machine.seed}"
    path: list[Snapshot] = []
    for snapshot in progress.steps(config, Store(args.store)):
        path.append(snapshot)
        try:
            write(out, path, config, args.store)
        except OSError as error:
            raise StoreError(f"The results cannot be written to {out} ({error.strerror or error}).") from error
    print(f"\n{report.table(report.measures(path))}\n\nWritten to {out}; the steps are in {args.store}.")


def write(out: Path, path: Sequence[Snapshot], config: Config, store: Path) -> None:
    """run.json, metrics.csv and, after an inversion, a sheet of synthetic beside real images."""
    out.mkdir(parents=True, exist_ok=True)
    leaf = path[-1]
    summary: dict[str, Any] = {
        "command": command_line(config, store),
        "config": config.to_dict(),
        "versions": report.versions(),
        "device": leaf.record["device"],
        "measures": {split: report.measures(path, split) for split in ("validation", "test")},
        "nodes": [{"id": s.id, "verb": s.verb, "tasks_learned": s.tasks_learned} for s in path],
        "finished": leaf.next_verb is None,
    }
    (out / "run.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if leaf.verb == "learn":
        report.write_csv(out / "metrics.csv", leaf.record)
    if leaf.verb == "invert":
        report.sheet(leaf).save(out / f"synthetic-after-task-{leaf.tasks_learned}.png")


def command_line(config: Config, store: Path) -> str:
    """The command that reproduces a run, whatever the presets become."""
    words = ["python", "-m", "cl_core", "run", "--preset", "paper", "--store", str(store)]
    for section, name, _, value in differences(Config(), config):
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        words += ["--set", f"{section}.{name}={text}"]
    return shlex.join(words)
