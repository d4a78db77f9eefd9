"""`store`: what has been computed, whether it is whole, and making room."""

import argparse
import time

from cl_core.commands import options
from cl_core.config import ConfigError
from cl_core.store import Store, StoreError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("store", help="list, check and tidy the computed steps")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run, about in (
        ("list", show, "list the steps: name, what, when, bytes"),
        ("verify", verify, "read every file; name what is damaged and set it aside, so that it is computed again"),
        ("prune", prune, "remove arrays that no step needs and what interrupted writes left"),
    ):
        action = actions.add_parser(name, help=about)
        options.add_store_option(action)
        action.set_defaults(run=run)
    action = actions.add_parser(
        "trial", help="kill a process that learns, inverts and saves, again and again, or let several work"
    )
    action.add_argument("--kills", type=int, default=200, metavar="N", help="default: 200")
    action.add_argument("--saving", action="store_true", help="of a process that does nothing but save: much quicker")
    action.add_argument("--seed", type=int, default=0, help="of the moments")
    action.add_argument(
        "--together",
        type=int,
        metavar="N",
        help="kill nobody; instead, let N processes take, save, prune and check the same steps at the same time",
    )
    action.add_argument("--streams", type=int, default=2, metavar="N", help="of --together; default: 2")
    action.set_defaults(run=trial)


def show(args: argparse.Namespace) -> None:
    """A line a step, oldest first."""
    from cl_core import upkeep

    store = _there(args)
    entries = list(upkeep.listing(store))
    for entry in entries:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.made)) if entry.made else "gone meanwhile"
        print(f"{entry.id}  {when}  {entry.size:>12,} bytes  {entry.what}")
    aside = len(store.files.names("damaged", ""))
    print(f"{len(entries)} steps, {sum(entry.size for entry in entries):,} bytes in {store.path}.")
    if aside:
        print(f"{aside} damaged files lie in {store.path / 'damaged'}; nobody reads them, and they may be deleted.")


def verify(args: argparse.Namespace) -> int:
    """Name what is damaged. Returns 1 when something is."""
    from cl_core import upkeep

    store = _there(args)
    found = upkeep.verify(store)
    for fault in [*found.damaged, *found.others]:
        print(fault.sentence)
    for name in found.unfinished:
        print(f"{name} is half-written: of a process that was ended, or one that is writing now; `prune` removes it.")
    verdict = f"damaged: {len(found.damaged)}" if found.damaged else "nothing is damaged"
    print(f"{store.path}: {len(found.steps)} steps and {found.objects} files of arrays are whole; {verdict}.")
    return int(bool(found.damaged))


def prune(args: argparse.Namespace) -> None:
    """Make room."""
    store = _there(args)
    count, size = store.prune()
    print(f"{count} files removed, {size:,} bytes freed. What is younger than ten minutes stays.")


def trial(args: argparse.Namespace) -> int:
    """Kill, look, start again. Returns 1 when something was lost."""
    from cl_core.commands import kills, together

    if args.together is not None:
        if not 2 <= args.together <= 16:
            raise ConfigError(f"--together is {args.together}; 2 to 16 processes can share a store for this trial.")
        made = together.trial(args.together, args.streams, together.savings if args.saving else together.experiments)
        print(made)
        return int(not made.nothing_lost)
    counts = (kills.of_saving if args.saving else kills.of_experiments)(args.kills, args.seed)
    print(counts)
    return int(not counts.nothing_lost)


def _there(args: argparse.Namespace) -> Store:
    if not args.store.is_dir():
        raise StoreError(f"There is no store in {args.store}; --store names another folder.")
    return Store(args.store)
