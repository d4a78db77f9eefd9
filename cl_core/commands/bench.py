"""`bench`: how fast this machine is at the demo."""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from itertools import pairwise
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
UNITS = 40  # of compute, passes forward and back through the whole network, in the race against noise
NOISE = "noise, Adam"


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
    path = list(progress.steps(config, tasks=args.tasks))
    found = timings(path)
    if path[-1].verb == "invert":
        found["step"] = step_cost(path[-2])
        found["against_noise"] = against_noise(path[-2])
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


def step_cost(learned: Snapshot, iterations: int = 40) -> dict[str, float]:
    """Milliseconds of an iteration of the refinement, all its terms included, and of a bare forward and backward pass

    of the same batch, of the network as it is and of its folded copy, which the inversion works on: timed in turn, in
    CPU time of this process (on a GPU: by the wall). Medians, and the median ratio of an iteration to a pass before it.
    """
    import dataclasses

    import torch

    from cl_core import stopwatch
    from cl_core.backbones.chain import frozen
    from cl_core.backbones.folding import folded
    from cl_core.inversion import draw_targets, invert_targets
    from cl_core.seeding import generator
    from cl_core.state import State

    config = dataclasses.replace(
        learned.config.invert, iterations_per_layer=0, layer_iterations=(), full_iterations=iterations
    )
    state = State.of(learned, learned.config)
    classes = tuple(state.stream.classes(learned.tasks_learned - 1))
    knowledge = state.knowledge(classes, config)
    targets, labels = draw_targets(knowledge, config, generator(0, "bench", "targets"))
    batch = torch.rand(len(targets), *state.input_shape, device=state.device).requires_grad_()
    quick = folded(state.network)
    marks: list[tuple[float, ...]] = []

    def bare(_: object) -> None:
        times = [stopwatch.seconds()]
        for network in (state.network, quick):
            with frozen(network):
                torch.autograd.grad((network.features(batch) - targets).square().mean(), batch)
            times.append(stopwatch.seconds())
        marks.append(tuple(times))

    draws = generator(0, "bench", "inversion")
    for _ in invert_targets(state.network, knowledge, targets, labels, config, state.normalise, draws, bare):
        pass
    passes, folded_passes = ([1000 * (mark[i + 1] - mark[i]) for mark in marks[3:]] for i in (0, 1))
    steps = [1000 * (then[0] - now[-1]) for now, then in pairwise(marks[3:])]
    return {
        "iteration_ms": median(steps),
        "bare_ms": median(passes),
        "folded_ms": median(folded_passes),
        "ratio": median(step / one for step, one in zip(steps, passes, strict=False)),
    }


def against_noise(learned: Snapshot) -> dict[str, Any]:
    """Where the settings of this run and an inversion from noise are after UNITS units of compute: the objective that

    they share in a race, and CPU seconds, for the same targets. The step sizes of both are tuned on others before.
    Raises ConfigError when the settings leave the refinement none of those units.
    """
    from cl_core import heats, race, racers

    course, training = heats.courses(learned)
    noise = next(racer for racer in racers.RACERS if racer.name == NOISE)
    found: dict[str, Any] = {"units": UNITS, "targets": len(course.targets)}
    for name, racer in (("own", racers.own(learned.config.invert)), ("noise", noise)):
        settings = race.tuned(racer, training, UNITS)
        point = list(race.run(racer, settings, course, [UNITS]))[-1]
        found[name] = {"objective": point.measures["objective"], "seconds": point.seconds}
    return found


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
        f"{machine['processor']}, {machine['cores']} cores, threads: {found['threads']}, device {found['device']}; "
        f"medians of {found['tasks']} tasks",
        "",
        "Seconds a task",
        *(f"  {name:<24}{seconds:8.1f}" for name, seconds in found["seconds"].items()),
        "Iterations a second",
        *(f"  {name:<24}{rate:8.1f}" for name, rate in found["iterations_per_second"].items()),
        "Share of the time",
        *(f"  {STAGES.get(name, name):<24}{100 * share:6.1f} %" for name, share in found["share"].items()),
    ]
    if "step" in found:
        step = found["step"]
        lines += [
            f"An iteration of the refinement takes {step['iteration_ms']:.1f} ms, a bare forward and backward pass "
            f"{step['bare_ms']:.1f} ms: {step['ratio']:.2f} times. (The inversion works on a copy of the network with "
            f"its normalisation folded into the convolutions, whose bare pass takes {step['folded_ms']:.1f} ms.)"
        ]
    if "against_noise" in found:
        race = found["against_noise"]
        own, noise = race["own"], race["noise"]
        lines += [
            f"With {race['units']} units of compute for {race['targets']} targets the objective comes to "
            f"{own['objective']:.3f} ({own['seconds']:.1f} CPU s); from noise with Adam, its step size tuned, to "
            f"{noise['objective']:.3f} ({noise['seconds']:.1f} CPU s)."
        ]
    return "\n".join(lines)
