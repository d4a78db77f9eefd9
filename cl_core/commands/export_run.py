"""`export`: a run in one file, to look into and to open elsewhere."""

import argparse
from pathlib import Path

from cl_core.commands import options
from cl_core.files import write_whole
from cl_core.store import Store, StoreError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("export", help="write the steps up to one of them, with all they hold, into a zip")
    parser.add_argument("node", metavar="NODE", help="the last step: its name is in run.json and in the app's address")
    parser.add_argument("file", metavar="FILE.zip", type=Path)
    options.add_store_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Write the file, whole or not at all."""
    from cl_core.commands import bundle

    content = bundle.exported(Store(args.store), args.node)
    try:
        write_whole(args.file, content)
    except OSError as error:
        raise StoreError(f"{args.file} cannot be written ({error.strerror or error}).") from error
    print(f"Written to {args.file}: {len(content) / 1e6:.1f} MB.")
