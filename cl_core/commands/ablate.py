"""`ablate`: one setting of the method changed at a time, beside the method as it is."""

import argparse
from pathlib import Path
from typing import Any

from cl_core.commands import compare, options
from cl_core.store import Store

Changes = dict[str, dict[str, Any]]

# What is changed, by the name of its row; the strategy is PMI unless a row says otherwise.
VARIANTS: dict[str, Changes] = {
    "as it is": {},
    "no layer-wise inversion": {"invert": {"iterations_per_layer": 0}},
    "no refinement": {"invert": {"full_iterations": 0}},
    "with CFS": {"invert": {"selection": "cfs"}},
    "diagonal class model": {"learn": {"class_model": "diagonal"}},
    "class-position statistics": {"learn": {"statistics": "class-position"}},
    "regenerate": {"invert": {"synthetic": "regenerate"}},
    "drift re-estimated": {"learn": {"drift": "re-estimate"}},
    "no read-out": {"learn": {"readout": 0.0}},
    "no noise in training": {"learn": {"noise": 0.0}},
    "global average pooling": {"network": {"pool": 1}},
    "targets as wide as the class": {"invert": {"target_spread": 1.0}},
    "mean squared distance": {"invert": {"distance": "mse"}},
    **{f"{n} iterations a group": {"invert": {"iterations_per_layer": n}} for n in (5, 20, 50, 100)},
    **{f"groups: {kind}": {"invert": {"groups": kind}} for kind in ("layers", "stages", "whole")},
    **{f"start: {kind}": {"invert": {"start": kind}} for kind in ("gaussian", "residual")},
    **{f"{n} blocks a stage": {"network": {"blocks": n}} for n in (2, 3)},
}


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("ablate", help="one setting of the method changed at a time")
    options.add_config_options(parser)
    options.add_store_option(parser)
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), metavar="ROW", help="some of the rows")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N")
    parser.add_argument("--out", type=Path, default=Path("runs") / "ablate", help="folder for the tables")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Run what is missing and rewrite the tables after each run."""
    base = options.config_from(args)
    names = args.only or list(VARIANTS)
    configs = {name: base.override(VARIANTS[name]) for name in names}
    compare.run_all(configs, args.seeds, Store(args.store), args.out)
