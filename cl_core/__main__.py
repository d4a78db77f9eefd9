"""`python -m cl_core COMMAND`: the laboratory without a screen."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from cl_core.commands import COMMANDS
from cl_core.commands.batch import RunsFailedError
from cl_core.config import ConfigError
from cl_core.datasets import DataError
from cl_core.events import Diverged
from cl_core.store import StoreError


class _Parser(argparse.ArgumentParser):
    """Says what was wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[:1].upper()}{message[1:]}; `{self.prog} --help` shows what is possible.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0; 1 when a check found something; 2 with one sentence on stderr;

    130 after Ctrl-C.
    """
    parser = _Parser(prog="python -m cl_core", description="Learn, invert and look, without a screen.")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    args = parser.parse_args(arguments)
    try:
        code: int | None = args.run(args)
    except (ConfigError, DataError, StoreError, Diverged, RunsFailedError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. The steps that were finished are kept.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code or 0


if __name__ == "__main__":
    sys.exit(main())
