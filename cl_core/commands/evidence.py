"""What `compare` and `ablate` tell of a run, and their tables: JSON that describes itself, CSV and Markdown."""

import argparse
import csv
import io
import json
import os
import shlex
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cl_core.commands import batch, report
from cl_core.commands.batch import Row, Run
from cl_core.config import Config
from cl_core.snapshot import Snapshot
from cl_core.store import StoreError

SPLIT = "test"  # of every number but those that say validation
MEASURES = {
    "final_accuracy": "Final accuracy, %",
    "average_incremental_accuracy": "Average incremental, %",
    "forgetting": "Forgetting, %",
    "backward_transfer": "Backward transfer, %",
    "task_given_accuracy": "Task given, %",
}
CLIP_MEASURES = {"zero_shot_accuracy": "Zero-shot, %", "forward_transfer": "Forward transfer, %"}
HEADS = {"linear": "linear", "refit": "refit on Gaussians", "lda": "LDA on Gaussians"}


def row(run: Run, path: Sequence[Snapshot]) -> Row:
    """The measures of a run, its final accuracy under each head, its cost and what it keeps.

    Accuracies 0 … 1, on test images, or on validation images where the name says so; seconds of the median task; bytes.
    """
    found, record = report.measures(path, SPLIT), path[-1].record
    task_given = float(np.mean(record["task_accuracy"][SPLIT][-1]))
    measures = found | {"task_given_accuracy": task_given}
    told: Row = {"strategy": record["strategy"], "seed": run.seed} | {name: measures[name] for name in MEASURES}
    told["accuracy_after_each_task"] = found["accuracy_after_each_task"]
    if found["zero_shot_accuracy"] is not None:  # of CLIP, which knows classes before it learns
        told |= {"zero_shot_accuracy": found["zero_shot_accuracy"][-1], "forward_transfer": found["forward_transfer"]}
    told |= {f"head_{head}": record["heads"][head][SPLIT][-1] for head in HEADS}
    told["validation_final_accuracy"] = record["total_accuracy"]["validation"][-1]
    told |= {f"validation_head_{head}": record["heads"][head]["validation"][-1] for head in HEADS}
    # the median: other programs of the machine delay a task now and then
    told |= {f"seconds_{verb}": statistics.median(times or [0.0]) for verb, times in found["seconds"].items()}
    return told | {"kept_bytes": record["kept_bytes"], "data_free": record["data_free"], "leaf": path[-1].id}


def named_row(run: Run, path: Sequence[Snapshot]) -> Row:
    """The same, under the name of what was changed."""
    return {"variant": run.name} | row(run, path)


def about(kind: str, args: argparse.Namespace, base: Config, words: Sequence[str]) -> dict[str, Any]:
    """What must be known of a table: its kind, the command that makes it, its split, versions, machine and settings.

    words: options of the command's own.
    """
    command = ["python", "-m", "cl_core", kind, "--preset", args.preset, *words]
    command += ["--seeds", *map(str, args.seeds)]
    command += [word for assignment in args.set for word in ("--set", assignment)]
    if getattr(args, "stream_tasks", None) is not None:
        command += ["--tasks", str(args.stream_tasks)]
    return {
        "kind": kind,
        "command": shlex.join(command),
        "split": SPLIT,
        "versions": report.versions(),
        "machine": {"cores": batch.cores(), "processes": args.processes},
        "base": base.to_dict(),
    }


def write(out: Path, facts: Mapping[str, Any], rows: Sequence[Row], name: str, stem: str = "") -> None:
    """KIND.json, KIND.csv (a row a run) and KIND.md (a row for each value of the column `name`). Raises StoreError.

    stem: another name of the files.
    """
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for of in rows:
        texts = {key: " ".join(map(str, v)) if isinstance(v, list) else v for key, v in of.items()}
        writer.writerow({key: report.cell(value) for key, value in texts.items()})
    files = {
        "json": json.dumps({**facts, "rows": rows}, indent=1, ensure_ascii=False) + "\n",
        "csv": table.getvalue(),
        "md": f"{markdown(rows, name)}\n\n`{facts['command']}`\n",
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for ending, content in files.items():
            file = out / f"{stem or facts['kind']}.{ending}"
            unfinished = file.with_suffix(f".{ending}.part")
            unfinished.write_text(content, encoding="utf-8")
            os.replace(unfinished, file)  # whoever reads meanwhile reads something whole
    except OSError as error:
        raise StoreError(f"The results cannot be written to {out} ({error.strerror or error}).") from error


def markdown(rows: Sequence[Row], name: str) -> str:
    """A table with a row for each value of the column `name`: mean ± standard deviation over its seeds."""
    heads = [f"{title} head, %" for title in HEADS.values()]
    measures = MEASURES | {key: title for key, title in CLIP_MEASURES.items() if key in rows[0]}
    titles = [name.capitalize(), "Data-free", "Seeds", *measures.values(), *heads]
    titles += ["Learn, s a task", "Invert, s a task", "Kept, kB"]
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for value in dict.fromkeys(of[name] for of in rows):
        same = [of for of in rows if of[name] == value]
        cells = [value, "yes" if same[0]["data_free"] else "no", str(len(same))]
        keys = (*measures, *(f"head_{head}" for head in HEADS))
        cells += [_spread([of[key] for of in same], 100, 1) for key in keys]
        cells += [_spread([of[f"seconds_{verb}"] for of in same], 1, 1) for verb in ("learn", "invert")]
        cells.append(f"{same[0]['kept_bytes'] / 1000:.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _spread(values: Sequence[float | None], scale: float, digits: int) -> str:
    """Mean ± standard deviation; a dash where nothing is defined."""
    known = [scale * value for value in values if value is not None]
    if not known:
        return "–"
    deviation = f" ± {statistics.stdev(known):.{digits}f}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.{digits}f}{deviation}"
