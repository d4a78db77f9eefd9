"""`import`: open a run that was exported."""

import argparse
from pathlib import Path

from cl_core.commands import options
from cl_core.store import Store, StoreError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("import", help="take the steps of an exported run over into a store")
    parser.add_argument("file", metavar="FILE.zip", type=Path)
    options.add_store_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Take over all the steps, or none."""
    from cl_core import archive

    if not args.file.is_file():
        raise StoreError(f"There is no file {args.file}.")
    leaf = archive.unpack(args.file, Store(args.store))
    print(f"Taken over into {args.store}; its last step is {leaf}.")
