"""Results as tables: numbers that can be sorted, and what each column means. No Streamlit."""

from dataclasses import dataclass
from typing import Any

from dashboard.evidence import AS_IT_IS, Evidence, Spread, entrants, spread


@dataclass(frozen=True)
class Column:
    """A column: its title, one sentence of what it holds, and how its numbers are written (printf), if they are."""

    title: str
    help: str
    format: str | None = None


def table(evidence: Evidence) -> tuple[list[Column], list[list[Any]]]:
    """Columns and rows; a number that is not known is None."""
    return {"compare": _compare, "race": _race, "ablate": _ablate}[evidence.kind](evidence)


SHARES = {
    "final_accuracy": ("Final %", "Accuracy over all the classes after the last task, under the strategy’s own head."),
    "average_incremental_accuracy": ("Average %", "Mean of the accuracy over the classes seen, after each task."),
    "forgetting": ("Forgetting %", "How far each task has fallen from its best, mean over the tasks but the last."),
    "backward_transfer": ("Backward %", "What later tasks did to earlier ones: below zero they harmed them."),
    "task_given_accuracy": (
        "Task given %",
        "Accuracy when one is told which task an image is of, mean over the tasks.",
    ),
    "head_linear": ("Linear %", "Final accuracy under the linear head, which knows old classes from images alone."),
    "head_refit": ("Refitted %", "Final accuracy under a linear head refitted on draws of the class Gaussians."),
    "head_lda": ("LDA %", "Final accuracy under LDA on the class Gaussians."),
}


def _compare(evidence: Evidence) -> tuple[list[Column], list[list[Any]]]:
    known = entrants(evidence)
    shares = {key: words for key, words in SHARES.items() if any(key in row for row in evidence.rows)}
    columns = [Column("Strategy", "How old tasks are held on to."), Column("Data-free", "It keeps no real image.")]
    for title, words in shares.values():
        columns += [Column(title, words, "%.1f"), Column(f"± {title[:-2]}", f"Standard deviation of {title}.", "%.1f")]
    columns += [
        Column("Learn, s", "Seconds a task for learning.", "%.1f"),
        Column("Invert, s", "Seconds a task for making images.", "%.1f"),
        Column("Kept, kB", "What is kept of the data after the last task.", "%.0f"),
        Column("Seeds", "Independent runs.", "%d"),
    ]
    rows = []
    for name in evidence.shown:
        first = evidence.of(name)[0]
        cells: list[Any] = [known[name].title, bool(first["data_free"])]
        for key in shares:
            cells += _mean_and_deviation(evidence.spread(name, key))
        cells += [_mean(evidence.spread(name, f"seconds_{verb}")) for verb in ("learn", "invert")]
        rows.append([*cells, first["kept_bytes"] / 1000, len(evidence.of(name))])
    return columns, rows


def _mean_and_deviation(found: Spread | None) -> list[float | None]:
    if found is None:
        return [None, None]
    return [100 * found.mean, None if found.deviation is None else 100 * found.deviation]


def _mean(found: Spread | None) -> float | None:
    return found.mean if found else None


def _race(evidence: Evidence) -> tuple[list[Column], list[list[Any]]]:
    columns = [
        Column("Racer", "How the images are made."),
        Column("Groups", "Groups of layers that are inverted one after the other; 1: the whole network at once.", "%d"),
        Column("Units", "Forward and backward passes through the whole network.", "%d"),
        Column("CPU s", "Seconds, the fit of decoders included.", "%.1f"),
        Column("Objective", "What all the racers minimise.", "%.4f"),
        Column("Oracle %", "Images named rightly by a network trained apart on real images.", "%.0f"),
        Column("Pixel variance", "Variance of the pixels within a class.", "%.4f"),
        Column("Seeds", "Independent runs.", "%d"),
    ]
    rows = []
    for name in evidence.shown:
        for units in sorted({row["units"] for row in evidence.of(name)}):
            here = [row for row in evidence.of(name) if row["units"] == units]
            keys = ("seconds", "objective", "oracle_accuracy", "pixel_variance")
            seconds, objective, seen, variance = (_mean(spread(row[key] for row in here)) for key in keys)
            oracle = None if seen is None else 100 * seen
            rows.append([name, here[0].get("layers"), units, seconds, objective, oracle, variance, len(here)])
    return columns, rows


def _ablate(evidence: Evidence) -> tuple[list[Column], list[list[Any]]]:
    columns = [Column("Change", "The one setting that is changed; everything else is as it is.")]
    heads = {key: SHARES[key] for key in ("head_linear", "head_refit", "head_lda")}
    for title, words in heads.values():
        columns += [
            Column(title, words, "%.1f"),
            Column(f"Δ {title[:-2]}", "Percentage points more than the method as it is, seed by seed.", "%+.1f"),
            Column(f"± Δ {title[:-2]}", "Standard error of that difference.", "%.1f"),
        ]
    columns.append(Column("Seeds", "Independent runs.", "%d"))
    rows = []
    for name in evidence.shown:
        cells: list[Any] = [name]
        for key in heads:
            level, change = evidence.spread(name, key), evidence.effects(key).get(name)
            same = Spread(0.0, 0.0, len(evidence.of(name))) if name == AS_IT_IS else change
            cells += [100 * level.mean if level else None, 100 * same.mean if same else None]
            cells.append(100 * same.error if same and same.error is not None else None)
        rows.append([*cells, len(evidence.of(name))])
    return columns, rows
