"""python -m dashboard COMMAND: what needs the dashboard's parts, without the app."""

import argparse
import sys
from pathlib import Path

from cl_core import presets
from cl_core.config import ConfigError
from cl_core.store import StoreError
from dashboard import evidence, exhibits, library, projections
from dashboard.bench import BenchError


def umap(args: argparse.Namespace) -> None:
    """Draw the UMAP picture of the example's last snapshot."""
    store = library.example_store()
    view = library.look(store, library.example().main).group("view")
    for _ in projections.compute_umap(view, store.files):
        pass
    print(f"{store.path / projections.umap_name(view)}")


def report(args: argparse.Namespace) -> None:
    """Write the report of a run, up to one of its steps, as an HTML file that opens without a server."""
    from dashboard import notes
    from dashboard.views import report as page

    tree = library.find(args.node)
    name = notes.read(tree.store, tree.path(args.node)[0].id).name
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(page.html(tree, args.node, name), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{args.out} cannot be written ({error.strerror or error}).") from error
    print(args.out)


def figure(args: argparse.Namespace) -> None:
    """Draw results of one kind as an HTML file that needs neither a server nor a network."""
    source = args.source or evidence.SHIPPED / f"{args.kind}.json"
    results = evidence.read(source)
    if results.kind != args.kind:
        raise evidence.EvidenceError(f"{source} holds results of {results.kind}, not of {args.kind}.")
    out = args.out or Path(f"{args.kind}.html")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(exhibits.page(results), encoding="utf-8")
    except OSError as error:
        raise evidence.EvidenceError(f"{out} cannot be written ({error.strerror or error}).") from error
    print(out)


def bench(args: argparse.Namespace) -> None:
    """Measure how fast the app answers, in headless Chromium."""
    from dashboard import bench as measured

    found = measured.measure(args.repeats)
    print(measured.table(found))
    if args.out is not None:
        try:
            args.out.parent.mkdir(parents=True, exist_ok=True)
            args.out.write_text(measured.as_json(found), encoding="utf-8")
        except OSError as error:
            raise StoreError(f"{args.out} cannot be written ({error.strerror or error}).") from error
        print(args.out)


def cancel(args: argparse.Namespace) -> int:
    """Cancel every stage of the work; 1 when one went on for longer than a second."""
    from dashboard import cancels

    config = presets.preset(args.preset).override({"invert": {"selection": "cfs"}})
    print(cancels.line(), flush=True)
    missed = 0
    for stage in cancels.measure(config, args.repeats):
        print(cancels.line(stage), flush=True)
        missed += not stage.holds
    return int(missed > 0)


def soak(args: argparse.Namespace) -> int:
    """Several browser sessions at once; 1 when something went wrong."""
    from dashboard import soak as soaked

    told = soaked.soak(args.sessions, args.minutes, args.seed)
    print(soaked.table(told))
    return int(bool(told.faults))


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"“{text}” is no number of repeats: 1 to 100 are allowed.")
    return int(text)


def main() -> int:
    """The exit code: 0, 1 when a bar was missed, or 2 with a sentence when something cannot be read or written."""
    parser = argparse.ArgumentParser(prog="python -m dashboard", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    about = "draw the UMAP picture of the finished example and keep it with it, so that the app shows it at once"
    commands.add_parser("umap", help=about).set_defaults(run=umap)
    drawing = commands.add_parser("figure", help="draw what compare, race or ablate found, as one HTML file")
    drawing.add_argument("kind", choices=list(evidence.KINDS))
    shipped = "default: the results shipped with the project"
    drawing.add_argument("--from", dest="source", type=Path, metavar="FILE", help=f"the command's .json; {shipped}")
    drawing.add_argument("--out", type=Path, metavar="FILE", help="default: KIND.html")
    drawing.set_defaults(run=figure)
    telling = commands.add_parser("report", help="write what was found in a run as one HTML file")
    telling.add_argument("node", metavar="NODE", help="the last step: its name is in run.json and in the app's address")
    telling.add_argument("--out", type=Path, metavar="FILE", default=Path("report.html"), help="default: report.html")
    telling.set_defaults(run=report)
    about = "measure how fast the app answers, in headless Chromium on the finished example"
    timing = commands.add_parser("bench", help=about, description=about)
    timing.add_argument("--repeats", type=_count, default=5, help="visits that are measured; default: 5")
    timing.add_argument("--out", type=Path, metavar="FILE", help="also write all the times, as JSON")
    timing.set_defaults(run=bench)
    about = "cancel the work at random moments of each of its stages and tell how long it goes on"
    stopping = commands.add_parser("cancel", help=about, description=about)
    stopping.add_argument("--preset", choices=list(presets.PRESETS), default="demo")
    stopping.add_argument("--repeats", type=_count, default=3, help="cancels of each stage; default: 3")
    stopping.set_defaults(run=cancel)
    about = "let several browser sessions learn, invert and cancel at random, and look whether each sees its own"
    many = commands.add_parser("soak", help=about, description=about)
    many.add_argument("--sessions", type=_count, default=8, help="default: 8")
    many.add_argument("--minutes", type=float, default=10.0, help="default: 10")
    many.add_argument("--seed", type=int, default=0, help="of what they do")
    many.set_defaults(run=soak)
    args = parser.parse_args()
    try:
        return args.run(args) or 0
    except (ConfigError, StoreError, evidence.EvidenceError, BenchError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
