"""`bench`: how fast this machine is at the demo."""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from cl_core.commands import options, progress, report
from cl_core.config import ConfigError
from cl_core.snapshot import Snapshot
from cl_core.store import StoreError

STAGES = {
    "learn": "learning",
    "statistics": "statistics",
    "layers": "layers",
    "refine": "refinement",
    "measure": "measuring",
}


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("bench", help="time learning and inversion on this machine")
    options.add_config_options(parser)
    parser.add_argument("--tasks", type=int, default=5, help="tasks to time; default: 5")
    parser.add_argument("--out", type=Path, default=Path("runs/bench.json"), help="default: runs/bench.json")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Time a run that is computed anew and kept in memory only; medians over its tasks."""
    if args.tasks < 1:
        raise ConfigError(f"--tasks is {args.tasks}; it must be 1 or more.")
    config = options.config_from(args)
    found = timings(list(progress.steps(config, tasks=args.tasks)))
    found |= {"config": config.to_dict(), "versions": report.versions()}
    print("\n" + table(found))
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"The timings cannot be written to {args.out} ({error.strerror or error}).") from error
    print(f"\nWritten to {args.out}.")


def timings(path: Sequence[Snapshot]) -> dict[str, Any]:
    """Seconds and rates from the records of a run: medians over its tasks, and every task's own seconds."""
    nodes = {verb: [s.record for s in path if s.verb == verb] for verb in ("learn", "invert")}
    records = [*nodes["learn"], *nodes["invert"]]
    spent = {stage: sum(r["seconds"].get(stage, 0.0) for r in records) for stage in STAGES}
    all_seconds = sum(r["seconds"]["total"] for r in records)
    each = {verb: [r["seconds"]["total"] for r in found] for verb, found in nodes.items()}
    both = [a + b for a, b in zip(each["learn"], each["invert"] or [0.0] * len(each["learn"]), strict=True)]
    return {
        "machine": {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "device": path[0].record["device"],
        "threads": path[0].record["threads"],
        "tasks": len(both),
        "seconds": {verb: median(s) for verb, s in each.items() if s} | {"learn and invert": median(both)},
        "seconds_by_task": each,
        "iterations_per_second": _rates(nodes),
        "share": {stage: seconds / all_seconds for stage, seconds in spent.items()}
        | {"other": 1 - sum(spent.values()) / all_seconds},
    }


def _rates(nodes: dict[str, list[Any]]) -> dict[str, float]:
    """Iterations a second: of learning, of each layer in the order inverted, of the refinement."""
    runs: dict[str, list[float]] = {}
    for record in nodes["learn"]:
        runs.setdefault("learning", []).append(record["curves"]["iteration"][-1] / record["seconds"]["learn"])
    for record in nodes["invert"]:
        named = [(f"layer {part['layer']}, {part['name']}", part) for part in record["layers"]]
        for name, part in [*named, ("refinement", record["refine"])]:
            if part["iterations"] and part["seconds"]:
                runs.setdefault(name, []).append(part["iterations"] / part["seconds"])
    return {name: median(rates) for name, rates in runs.items()}


def table(found: dict[str, Any]) -> str:
    """Those numbers for a terminal."""
    machine = found["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {found['threads']} threads, device {found['device']}; "
        f"medians of {found['tasks']} tasks",
        "",
        "Seconds a task",
        *(f"  {name:<24}{seconds:8.1f}" for name, seconds in found["seconds"].items()),
        "Iterations a second",
        *(f"  {name:<24}{rate:8.1f}" for name, rate in found["iterations_per_second"].items()),
        "Share of the time",
        *(f"  {STAGES.get(name, name):<24}{100 * share:6.1f} %" for name, share in found["share"].items()),
    ]
    return "\n".join(lines)
