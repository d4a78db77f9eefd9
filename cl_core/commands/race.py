"""`race`: the family of inversions and its rivals on the same targets, at the same compute, judged by an oracle."""

import argparse
import csv
import json
import shlex
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cl_core import datasets, racers
from cl_core.commands import options, progress, report
from cl_core.config import Config, ConfigError, differences
from cl_core.racers import STEP_SIZES, Racer
from cl_core.store import Store, StoreError

if TYPE_CHECKING:
    from cl_core.oracle import Oracle
    from cl_core.race import Point
    from cl_core.state import State

MEASURES = {"objective": 4, "feature_error": 4, "statistics_error": 4, "oracle_accuracy": 3, "pixel_variance": 4}


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("race", help="ways of inverting the same features, at the same compute")
    options.add_config_options(parser)
    options.add_store_option(parser)
    parser.add_argument("--units", nargs="+", type=int, default=[10, 20, 50, 100], metavar="N", help="the budgets")
    parser.add_argument("--targets", type=int, default=100, metavar="N", help="target features; default: 100")
    parser.add_argument("--tune-targets", type=int, default=25, metavar="N", help="others, to tune on; default: 25")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="N")
    parser.add_argument("--racers", nargs="+", metavar="NAME", help="default: all of them")
    parser.add_argument("--out", type=Path, default=Path("runs") / "race", help="folder for the tables")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Train the network and the oracle once, tune each racer on targets of its own, race. Stopped, it goes on later.

    Raises ConfigError for an unknown racer, budgets that are too small, or a folder that holds another race.
    """
    if min(args.units) < 10 or min(args.targets, args.tune_targets) < 2:
        raise ConfigError("A budget must be 10 units or more (--units), and there must be 2 targets or more.")
    from cl_core import oracle

    config, units = one_task(options.config_from(args)), sorted(set(args.units))
    known = {racer.name: racer for racer in racers.of_network(config.network)}
    if unknown := [name for name in args.racers or [] if name not in known]:
        raise ConfigError(f"There is no racer “{unknown[0]}”; known are {', '.join(known)}.")
    results, store = Results(args.out, config, args.targets, args.tune_targets), Store(args.store)
    judge = progress.watch(oracle.train(config, store), "The oracle")
    results.about["oracle"] = {"trained_on": judge.trained_on, "accuracy": judge.accuracy}
    results.about["grid"] = STEP_SIZES
    for seed in dict.fromkeys(args.seeds):
        wanted = [known[name] for name in args.racers or known if results.missing(name, seed, units)]
        if wanted:
            state = _network(config.override({"machine": {"seed": seed}}), store, results)
        for racer in wanted:
            _race(racer, state, judge, args, results.missing(racer.name, seed, units), seed, results)
    print(f"\n{markdown(results.rows)}\n\nThe oracle knows {judge.accuracy:.1%} of the real test images; it was "
          f"trained on {judge.trained_on}.\nWritten to {args.out}.")  # fmt: skip


def one_task(config: Config) -> Config:
    """The config with all the classes in one task: the network of a race has learned them together."""
    classes = len(datasets.load(config.stream.data).class_names)
    return config.override({"stream": {"increment": classes}, "learn": {"strategy": "finetune"}})


def _network(config: Config, store: Store, results: "Results") -> "State":
    from cl_core import experiment
    from cl_core.state import State

    root = experiment.start(config, store)
    store.save(root)
    learned = progress.watch(experiment.grow(root, "learn", config, store), "The network")
    results.about["network_accuracy"] = learned.record["heads"]["linear"]["test"][-1]
    return State.of(learned, config)


def _race(
    racer: Racer,
    state: "State",
    judge: "Oracle",
    args: argparse.Namespace,
    units: Sequence[int],
    seed: int,
    results: "Results",
) -> None:
    """Tune where that is not done yet, on the first network that comes, and run the budgets that are missing."""
    from cl_core import race

    training = race.course(state, judge, args.tune_targets, seed, "tuning")
    course = race.course(state, judge, args.targets, seed, "racing")
    for budgets in shared_budgets(units, tuned=bool(racer.grid)):
        known = results.tuned.setdefault(racer.name, {})
        key = str(budgets[-1])
        if racer.grid and key not in known:
            smaller = [int(other) for other in known if int(other) < budgets[-1]]
            near = known[str(max(smaller))] if smaller else None
            known[key] = race.tuned(racer, training, budgets[-1], near)
            results.write()
        settings = known.get(key, dict(racer.settings))
        for point in race.run(racer, settings, course, budgets):
            results.add(racer, seed, len(state.network.groups(settings["groups"])), settings, point)
            print(f"seed {seed}  {racer.name:<32}{_line(point)}", flush=True)


def shared_budgets(units: Sequence[int], tuned: bool) -> list[list[int]]:
    """Budgets that share their settings: pairs of neighbours where there is something to tune, else all of them."""
    ordered = sorted(units)
    if not tuned:
        return [ordered]
    return [ordered[max(0, i - 2) : i] for i in range(len(ordered), 0, -2)][::-1]


class Results:
    """The rows of a race and what they rest on, in race.json, race.csv and race.md; read back when they are there."""

    def __init__(self, out: Path, config: Config, targets: int, tune_targets: int) -> None:
        self.out, self.rows, self.tuned = out, list[dict[str, Any]](), dict[str, dict[str, Any]]()
        changed = differences(Config(), config.override({"machine": {"seed": 0}}))
        kept = [row for row in changed if row[0] != "invert"]  # racers bring their own settings of inversion
        setup: dict[str, Any] = {f"{section}.{name}": value for section, name, _, value in kept}
        setup = json.loads(json.dumps(setup | {"targets": targets, "tune_targets": tune_targets}))
        network = f"ResNet-{2 + 6 * config.network.blocks}, width {config.network.width}"
        if config.network.backbone == "clip":
            network = f"CLIP, {config.network.clip}"
        self.about: dict[str, Any] = {"kind": "race", "setup": setup, "network": network, "data": config.stream.data}
        self.about["targets"] = targets
        if (out / "race.json").exists():
            self._read_back(setup)

    def _read_back(self, setup: dict[str, Any]) -> None:
        try:
            found = json.loads((self.out / "race.json").read_text(encoding="utf-8"))
            same, self.rows, self.tuned = found["setup"] == setup, found["rows"], found["tuned"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{self.out / 'race.json'} cannot be read; name another folder with --out.") from error
        if not same:
            raise ConfigError(f"{self.out} holds a race with other settings; name another folder with --out.")

    def missing(self, racer: str, seed: int, units: Sequence[int]) -> list[int]:
        """The budgets that this racer has not run yet."""
        have = {row["units"] for row in self.rows if (row["racer"], row["seed"]) == (racer, seed)}
        return [budget for budget in units if budget not in have]

    def add(self, racer: Racer, seed: int, groups: int, settings: dict[str, Any], point: "Point") -> None:
        row = {"racer": racer.name, "seed": seed, "layers": groups, "units": point.units, "seconds": point.seconds}
        step_sizes = {name: settings.get(name) for name in ("layer_lr", "full_lr")}
        self.rows.append(row | step_sizes | {name: point.measures[name] for name in MEASURES})
        self.write()

    def write(self) -> None:
        """All the tables. Raises StoreError when the disk refuses."""
        self.about["command"] = command_line(sys.argv[1:])
        self.about["units"] = sorted({row["units"] for row in self.rows})
        content = self.about | {"versions": report.versions(), "tuned": self.tuned, "rows": self.rows}
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
            (self.out / "race.json").write_text(text, encoding="utf-8")
            if self.rows:
                (self.out / "race.md").write_text(markdown(self.rows) + "\n", encoding="utf-8")
                with (self.out / "race.csv").open("w", newline="") as stream:
                    writer = csv.DictWriter(stream, list(self.rows[0]))
                    writer.writeheader()
                    writer.writerows({key: report.cell(value) for key, value in row.items()} for row in self.rows)
        except OSError as error:
            raise StoreError(f"The tables cannot be written to {self.out} ({error.strerror or error}).") from error


def command_line(words: Sequence[str]) -> str:
    """The command that was given, without the folders of this machine that it wrote to."""
    places = {i for i, word in enumerate(words) if word in ("--store", "--out")}
    kept = [word for i, word in enumerate(words) if i not in places and i - 1 not in places]
    return shlex.join(["python", "-m", "cl_core", *kept])


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """A table with a row for each racer and budget: means over the seeds."""
    titles = ["Racer", "Groups", "Units", "Seeds", "CPU s", "Objective", "Feature error", "Statistics error",
              "Oracle, %", "Pixel variance"]  # fmt: skip
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for racer, units in sorted({(row["racer"], row["units"]) for row in rows}):
        of = [row for row in rows if (row["racer"], row["units"]) == (racer, units)]
        mean = {name: statistics.mean(row[name] for row in of) for name in ("seconds", *MEASURES)}
        cells = [racer, str(of[0]["layers"]), str(units), str(len(of)), f"{mean['seconds']:.1f}"]
        cells += [f"{mean[name]:.4f}" for name in ("objective", "feature_error", "statistics_error")]
        cells += [f"{100 * mean['oracle_accuracy']:.0f}", f"{mean['pixel_variance']:.4f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _line(point: "Point") -> str:
    """A point in a line of the terminal."""
    found = "  ".join(f"{name.replace('_', ' ')} {point.measures[name]:.{n}f}" for name, n in MEASURES.items())
    return f"{point.units:4d} units {point.seconds:7.1f} s  {found}"
