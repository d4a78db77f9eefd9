"""What is written and printed of a run: measures, tables, sheets of images."""

import csv
import io
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from cl_core import metrics
from cl_core.snapshot import Snapshot
from cl_core.stream import TaskStream

PACKAGES = ("inversion-lab", "torch", "numpy", "scipy", "scikit-learn", "safetensors")


def versions() -> dict[str, str]:
    """Python's and the packages' versions; that of a package that was never installed, only found: "not installed"."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def measures(path: Sequence[Snapshot], split: str = "test") -> dict[str, Any]:
    """The measures of METHOD.md §9 of a run (root … leaf) and its seconds a task; empty before the first task."""
    record = path[-1].record
    if path[-1].tasks_learned == 0:
        return {}
    matrix, totals = record["accuracy"][split], record["total_accuracy"][split]
    each, average = metrics.forgetting(matrix)
    zero_shot = "zero_shot" in record  # what CLIP knows before it learns
    return {
        "split": split,
        "tasks": len(matrix),
        "accuracy_matrix": matrix,
        "accuracy_after_each_task": totals,
        "final_accuracy": totals[-1],
        "average_incremental_accuracy": float(np.mean(totals)),
        "forgetting_by_task": each,
        "forgetting": average,
        "backward_transfer": metrics.backward_transfer(matrix),
        "forward_transfer": metrics.forward_transfer(record["ahead"][split], record["zero_shot"]["accuracy"][split])
        if zero_shot and "ahead" in record
        else None,
        "zero_shot_accuracy": record["zero_shot"]["total_accuracy"][split][: len(matrix)] if zero_shot else None,
        "seconds": {
            verb: [snapshot.record["seconds"]["total"] for snapshot in path if snapshot.verb == verb]
            for verb in ("learn", "invert")
        },
    }


def table(found: dict[str, Any]) -> str:
    """Those measures for a terminal."""
    matrix = found["accuracy_matrix"]
    columns = [f"task {j + 1}" for j in range(len(matrix))]
    lines = [
        f"Accuracy on {found['split']} images, %: a row after each task learned, a column for each task asked",
        " " * 14 + "".join(f"{name:>8}" for name in [*columns, "all"]),
    ]
    for i, row in enumerate(matrix):
        cells = "".join(f"{100 * value:8.1f}" for value in row) + " " * 8 * (len(matrix) - len(row))
        lines.append(f"after task {i + 1:<3}{cells}{100 * found['accuracy_after_each_task'][i]:8.1f}")
    seconds = found["seconds"]
    lines += [
        "",
        f"Final accuracy               {_percent(found['final_accuracy'])}",
        f"Average incremental accuracy {_percent(found['average_incremental_accuracy'])}",
        f"Forgetting                   {_percent(found['forgetting'])}",
        f"Backward transfer            {_percent(found['backward_transfer'])}",
        f"Seconds a task, learn        {' '.join(f'{s:.1f}' for s in seconds['learn'])}",
        f"Seconds a task, invert       {' '.join(f'{s:.1f}' for s in seconds['invert']) or '–'}",
    ]
    if found["zero_shot_accuracy"] is not None:
        lines.insert(-2, f"Forward transfer             {_percent(found['forward_transfer'])}")
        lines.insert(2, "zero-shot     " + " " * 8 * len(matrix) + f"{100 * found['zero_shot_accuracy'][-1]:8.1f}")
    return "\n".join(lines)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def write_csv(file: Path, record: Any) -> None:
    """The rows of `csv_text`, in a file."""
    file.write_text(csv_text(record), newline="")


def csv_text(record: Any) -> str:
    """One row for each split, moment and task: class-incremental accuracy, and that with the task label given."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["split", "after_task", "on_task", "accuracy", "accuracy_task_given"])
    for split in ("validation", "test"):
        for i, row in enumerate(record["accuracy"][split]):
            for j, value in enumerate(row):
                writer.writerow([split, i + 1, j + 1, value, record["task_accuracy"][split][i][j]])
    return stream.getvalue()


def cell(value: Any) -> Any:
    """A value for a CSV file: text that a spreadsheet would take for a formula is marked as text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def sheet(snapshot: Snapshot, columns: int = 12, zoom: int = 3) -> Image.Image:
    """For each class with synthetic images a row of real test images, for the truth, and a row of synthetic ones."""
    stream = TaskStream(snapshot.config.stream, snapshot.config.machine.seed)
    real = stream.seen(snapshot.tasks_learned - 1, "test")
    images, labels = snapshot.synthetic
    made = np.rint(np.clip(images.astype(np.float32), 0, 1) * 255).astype(np.uint8)
    rows = []
    for c in np.unique(labels):
        rows.append((f"{snapshot.class_names[c]}, real", real.images[real.labels == c][:columns]))
        rows.append(("synthetic" if snapshot.hidden is None else "decoded", made[labels == c][:columns]))
    side, margin, gap = images.shape[2] * zoom, 130, 2
    canvas = Image.new("RGB", (margin + columns * (side + gap), len(rows) * (side + gap)), "white")
    pen = ImageDraw.Draw(canvas)
    for y, (name, row) in enumerate(rows):
        top = y * (side + gap)
        pen.text((4, top + side // 2 - 6), name, fill="black")
        for x, image in enumerate(row):
            pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)  # (h, w) or (h, w, 3)
            tile = Image.fromarray(pixels).resize((image.shape[2] * zoom, side), Image.Resampling.NEAREST)
            canvas.paste(tile, (margin + x * (side + gap), top))
    return canvas
