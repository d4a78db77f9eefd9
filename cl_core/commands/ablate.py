"""`ablate`: one setting of the method changed at a time, beside the method as it is."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cl_core.commands import batch, duration, evidence, options
from cl_core.config import Config, ConfigError

Changes = dict[str, dict[str, Any]]
AS_IT_IS = "as it is"

# Words for a row, and the setting that it changes: to each of these values, or to all that the setting allows.
SWEEPS: tuple[tuple[str, str, str, Sequence[Any] | None], ...] = (
    ("targets", "invert", "selection", None),
    ("class model", "learn", "class_model", None),
    ("statistics kept", "learn", "statistics", None),
    ("synthetic images", "invert", "synthetic", None),
    ("groups", "invert", "groups", None),
    ("start", "invert", "start", None),
    ("iterations a group", "invert", "iterations_per_layer", (0, 5, 20, 50, 100)),
    ("full-model iterations", "invert", "full_iterations", (0,)),
    ("blocks a stage", "network", "blocks", (1, 2, 3, 5)),
    ("drift", "learn", "drift", None),
    ("distance", "invert", "distance", None),
    ("spread of the targets", "invert", "target_spread", (1.0,)),
    ("read-out", "learn", "readout", (0.0,)),
    ("noise in training", "learn", "noise", (0.0,)),
    ("feature grid", "network", "pool", (1,)),
)


def variants(base: Config) -> dict[str, Changes]:
    """What is changed, by the name of its row. What would change nothing in `base` is left out, but for the first."""
    noise = "soft" if base.invert.optimiser == "lbfgs" else "gaussian"  # the start that suits the optimiser
    from_noise = {"groups": "whole", "start": noise, "iterations_per_layer": 0, "layer_iterations": ()}
    rows: dict[str, Changes] = {AS_IT_IS: {}, "no layer-wise inversion": {"invert": from_noise}}
    for words, section, name, values in SWEEPS:
        for value in _options(base, section, name) if values is None else values:
            shown = f"{value:g}" if isinstance(value, float) else value
            rows[f"{words}: {shown}"] = {section: {name: value}}
    return {name: changes for name, changes in rows.items() if not changes or base.override(changes) != base}


def _options(base: Config, section: str, name: str) -> Sequence[str]:
    """The values that a setting of choice allows."""
    found = {f.name: f for f in dataclasses.fields(getattr(base, section))}
    return found[name].metadata["options"]


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("ablate", help="one setting of the method changed at a time")
    options.add_config_options(parser)
    options.add_store_option(parser)
    batch.add_options(parser)
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="ROW",
        help="some of the rows, as in --only 'targets: cfs' 'groups: layers'; “as it is” always stands beside them",
    )
    parser.add_argument("--out", type=Path, default=Path("runs") / "ablate", help="folder for the tables")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Run what is missing and rewrite the tables after each run. What is wrong stops it before the first run."""
    base = batch.base_config(args)
    rows = variants(base)
    for name in args.only or ():
        if name not in rows:
            raise ConfigError(f"There is no row “{name}” for these settings; allowed are {', '.join(rows)}.")
    names = list(dict.fromkeys([AS_IT_IS, *(args.only or rows)]))
    configs = {name: base.override(rows[name]) for name in names}
    runs = batch.over_seeds(configs, args.seeds)
    if not duration.agreed(args, [run.config for run in runs], args.processes):
        return
    words = (["--strategy", args.strategy] if args.strategy else []) + (["--only", *args.only] if args.only else [])
    facts = evidence.about("ablate", args, base, words) | {"changes": {name: rows[name] for name in names}}
    batch.run_all(
        runs,
        args.store,
        args.processes,
        evidence.named_row,
        lambda found: evidence.write(args.out, facts, found, "variant"),
    )
    print(f"\n{(args.out / 'ablate.md').read_text(encoding='utf-8')}\nWritten to {args.out}.")
