"""`compare`: strategies beside each other over seeds, from the store where they are, computed where they are not."""

import argparse
import csv
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cl_core import strategies
from cl_core.commands import options, progress, report
from cl_core.config import Config
from cl_core.snapshot import Snapshot
from cl_core.store import Store

MEASURES = {
    "final_accuracy": "Final accuracy, %",
    "average_incremental_accuracy": "Average incremental, %",
    "forgetting": "Forgetting, %",
    "backward_transfer": "Backward transfer, %",
}
HEADS = {"linear": "linear", "refit": "refit on Gaussians", "lda": "LDA on Gaussians"}


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("compare", help="strategies beside each other, mean ± standard deviation over seeds")
    options.add_config_options(parser)
    options.add_store_option(parser)
    parser.add_argument("--strategies", nargs="+", metavar="NAME", help="default: all of them")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N")
    parser.add_argument("--out", type=Path, default=Path("runs") / "compare", help="folder for the tables")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Run what is missing, seed by seed; stopped, it goes on where it was. Unknown names stop before the first run."""
    base = options.config_from(args)
    configs = {name: strategies.configure(base, name) for name in args.strategies or strategies.names()}
    run_all(configs, args.seeds, Store(args.store), args.out)


def run_all(configs: Mapping[str, Config], seeds: Sequence[int], store: Store, out: Path) -> None:
    """Each config with each seed: from the store, or computed; the tables in `out` after each."""
    rows: list[dict[str, Any]] = []
    for seed in seeds:
        for name, config in configs.items():
            print(f"{name}, seed {seed}", flush=True)
            path = list(progress.steps(config.override({"machine": {"seed": seed}}), store))
            rows.append({"strategy": name, "seed": seed} | summary(path))
            write(out, rows)
    print(f"\n{markdown(rows)}\n\nWritten to {out}.")


def summary(path: Sequence[Snapshot]) -> dict[str, Any]:
    """The measures of a run on test images, its final accuracy under each head, its cost and what it keeps."""
    found, record = report.measures(path), path[-1].record
    row = {name: found[name] for name in MEASURES}
    row |= {f"head_{head}": record["heads"][head]["test"][-1] for head in HEADS}
    row |= {f"seconds_{verb}": sum(times) / found["tasks"] for verb, times in found["seconds"].items()}
    return row | {"kept_bytes": record["kept_bytes"], "data_free": record["data_free"], "leaf": path[-1].id}


def write(out: Path, rows: list[dict[str, Any]]) -> None:
    """compare.json, compare.csv (a row a run) and compare.md (a row a strategy)."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "compare.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    with (out / "compare.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (out / "compare.md").write_text(markdown(rows) + "\n", encoding="utf-8")


def markdown(rows: list[dict[str, Any]]) -> str:
    """A table with a row a strategy: mean ± standard deviation over its seeds."""
    heads = [f"{title} head, %" for title in HEADS.values()]
    titles = [
        "Strategy",
        "Data-free",
        "Seeds",
        *MEASURES.values(),
        *heads,
        "Learn, s a task",
        "Invert, s a task",
        "Kept, kB",
    ]
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for name in dict.fromkeys(row["strategy"] for row in rows):
        of = [row for row in rows if row["strategy"] == name]
        cells = [name, "yes" if of[0]["data_free"] else "no", str(len(of))]
        cells += [_spread([row[key] for row in of], 100, 1) for key in (*MEASURES, *(f"head_{head}" for head in HEADS))]
        cells += [_spread([row[f"seconds_{verb}"] for row in of], 1, 1) for verb in ("learn", "invert")]
        cells.append(f"{of[0]['kept_bytes'] / 1000:.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _spread(values: list[float | None], scale: float, digits: int) -> str:
    """Mean ± standard deviation; a dash where nothing is defined."""
    known = [scale * value for value in values if value is not None]
    if not known:
        return "–"
    deviation = f" ± {statistics.stdev(known):.{digits}f}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.{digits}f}{deviation}"
