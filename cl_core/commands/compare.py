"""`compare`: strategies beside each other over seeds, from the store where they are, computed where they are not."""

import argparse
from pathlib import Path

from cl_core import strategies
from cl_core.commands import batch, duration, evidence, options
from cl_core.config import ConfigError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("compare", help="strategies beside each other, mean ± standard deviation over seeds")
    options.add_config_options(parser)
    options.add_tasks_option(parser)
    options.add_store_option(parser)
    batch.add_options(parser)
    parser.add_argument("--strategies", nargs="+", metavar="NAME", help="default: all of them")
    parser.add_argument("--out", type=Path, default=Path("runs") / "compare", help="folder for the tables")
    parser.add_argument("--name", default="compare", metavar="NAME", help="of the tables; default: compare")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Run what is missing, seed by seed; stopped, it goes on where it was. The tables are rewritten after each run.

    What is wrong with the command stops it before the first run.
    """
    if args.strategy is not None:
        raise ConfigError("--strategy is for a single run; name those to compare with --strategies.")
    base = batch.base_config(args)
    if Path(args.name).name != args.name:
        raise ConfigError(f"--name is “{args.name}”; it names files in --out, without a folder.")
    names = args.strategies or strategies.names()
    if len(set(names)) < len(names):
        raise ConfigError("A strategy is named twice in --strategies; each counts once.")
    configs = {name: strategies.configure(base, name) for name in names}
    runs = batch.over_seeds(configs, args.seeds)
    if not duration.agreed(args, [run.config for run in runs], args.processes):
        return
    facts = evidence.about("compare", args, base, ["--strategies", *names])
    batch.run_all(
        runs,
        args.store,
        args.processes,
        evidence.row,
        lambda rows: evidence.write(args.out, facts, rows, "strategy", args.name),
    )
    print(f"\n{(args.out / f'{args.name}.md').read_text(encoding='utf-8')}\nWritten to {args.out}.")
