"""The measures of two branches at a moment, and how far apart they are: with an uncertainty where seeds were run.

Pure; no Streamlit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cl_core import metrics
from cl_core.snapshot import Snapshot
from dashboard import pairs
from dashboard.evidence import Spread, spread

TIE = 0.03  # a share: with one seed, less is chance as likely as not
ENOUGH = 3  # seeds from which an uncertainty is believed
HEADS = {
    "linear": "Linear head",
    "refit": "Linear head, refitted on draws",
    "nearest-mean": "Nearest class mean",
    "lda": "LDA on the Gaussians",
}


@dataclass(frozen=True)
class Measure:
    """kind: "share", "number", "seconds" or "bytes". more: whether more of it is better."""

    key: str
    title: str
    help: str
    kind: str
    more: bool


MEASURES = (
    Measure("final", "Accuracy now", "Over all the classes seen, without being told the task.", "share", True),
    Measure("average", "Average incremental accuracy", "Mean of the accuracy after each task so far.", "share", True),
    Measure("told", "Accuracy when the task is told", "Only the classes of an image's task compete.", "share", True),
    Measure("forgetting", "Forgetting", "How far each earlier task has fallen from its best.", "share", False),
    Measure("transfer", "Backward transfer", "What later tasks did to earlier ones; below zero: harm.", "share", True),
    *(Measure(f"head {k}", words, "Accuracy now, of the same features under this head.", "share", True)
      for k, words in HEADS.items()),
    Measure("distance", "Synthetic from real, times the floor",
            "Fréchet distance over what two sets of real images give, mean of the classes; each in its own network's "
            "space.", "number", False),
    Measure("cosine", "Cosine of real and synthetic means", "Mean of the classes; each in its own network's space.",
            "number", True),
    Measure("seconds", "Time to compute", "All the steps from the start on, on the machine that took them.",
            "seconds", False),
    Measure("bytes", "Kept of the data", "Beside the network: statistics, class models, images.", "bytes", False),
)  # fmt: skip


def measured(path: pairs.Path, split: str) -> dict[str, float | None]:
    """Every measure at the end of a path; None where there is nothing to measure."""
    node = path[-1]
    record, found = node.record, dict.fromkeys((m.key for m in MEASURES), None)
    rows = record.get("accuracy", {}).get(split, [])
    if not rows:
        return found
    told = record.get("task_accuracy", {}).get(split, [])
    values: dict[str, float | None] = {
        "final": record["total_accuracy"][split][-1],
        "average": metrics.average_incremental_accuracy(rows, node.task_sizes),
        "told": metrics.average_accuracy(told, node.task_sizes) if told else None,
        "forgetting": metrics.forgetting(rows)[1],
        "transfer": metrics.backward_transfer(rows),
        "seconds": pairs.seconds(path),
        "bytes": record.get("kept_bytes"),
    }
    heads = record.get("heads", {})
    values |= {f"head {kind}": heads[kind][split][-1] for kind in HEADS if heads.get(kind, {}).get(split)}
    return found | values | _alignment(node)


def _alignment(node: Snapshot) -> dict[str, float | None]:
    """Over the classes that have synthetic images."""
    rows = node.record.get("alignment", [])
    ratios = [row["frechet"] / row["floor"] for row in rows if row.get("floor") and row.get("frechet") is not None]
    cosines = [row["cosine"] for row in rows if row.get("cosine") is not None]
    return {
        "distance": sum(ratios) / len(ratios) if ratios else None,
        "cosine": sum(cosines) / len(cosines) if cosines else None,
    }


@dataclass(frozen=True)
class Row:
    """A measure of A and of B, mean over the seeds that both have, and B − A, seed by seed."""

    measure: Measure
    a: Spread | None
    b: Spread | None
    delta: Spread | None

    @property
    def verdict(self) -> str:
        """Which is better, in words, or why one cannot say."""
        if self.delta is None:
            return ""
        if self.delta.mean == 0:
            return "the same"
        better = "B" if (self.delta.mean > 0) == self.measure.more else "A"
        if self.measure.kind in ("seconds", "bytes"):
            return f"{better} less"
        if self.delta.count >= ENOUGH:
            return f"{better} better" if self.delta.certain else "within the noise"
        if self.measure.kind == "number":
            return "few seeds"  # what is chance here is not known
        if abs(self.delta.mean) < TIE:
            return "a tie"
        return f"{better} ahead"


def rows(a: Mapping[int, pairs.Path], b: Mapping[int, pairs.Path], split: str) -> list[Row]:
    """Every measure that one of them has. a, b: seed → path; the differences are of the seeds that both have.

    With no seed in common (each its own) the difference is that of the two, unpaired.
    """
    seeds = sorted(set(a) & set(b))
    both = [(measured(a[seed], split), measured(b[seed], split)) for seed in seeds]
    if not seeds:
        both = [(measured(next(iter(a.values())), split), measured(next(iter(b.values())), split))]
    made = [_row(measure, both) for measure in MEASURES]
    return [row for row in made if row.a or row.b]


def _row(measure: Measure, both: Sequence[tuple[dict[str, float | None], dict[str, float | None]]]) -> Row:
    known = [(one[measure.key], other[measure.key]) for one, other in both]
    apart = [y - x for x, y in known if x is not None and y is not None]
    return Row(measure, spread(x for x, _ in known), spread(y for _, y in known), spread(apart))
