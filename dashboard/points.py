"""Points chosen in the feature space: which images they are, what a network says of them, what lies near. Pure.

A point is a row of a snapshot's group "view": of its "real" features or of its "synthetic" ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cl_core.snapshot import Snapshot

KINDS = ("real", "synthetic")


@dataclass(frozen=True)
class Points:
    """Rows of a view that a person has chosen, in ascending order."""

    real: tuple[int, ...] = ()
    synthetic: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.real or self.synthetic)

    def __len__(self) -> int:
        return len(self.real) + len(self.synthetic)

    def within(self, view: Mapping[str, np.ndarray]) -> "Points":
        """Those that the view has."""
        sizes = {kind: len(view.get(f"{kind}_labels", ())) for kind in KINDS}
        return Points(*(tuple(row for row in getattr(self, kind) if row < sizes[kind]) for kind in KINDS))

    def classes(self, view: Mapping[str, np.ndarray]) -> frozenset[int]:
        """The classes of these points."""
        found = [int(view[f"{kind}_labels"][row]) for kind in KINDS for row in getattr(self, kind)]
        return frozenset(found)


def from_selection(chosen: Iterable[Mapping[str, Any]]) -> Points:
    """The points of a Plotly selection: each says in its custom data which kind it is, and its row."""
    found: dict[str, set[int]] = {kind: set() for kind in KINDS}
    for point in chosen:
        kind, row = (*(point.get("customdata") or ()), None, None)[:2]
        if kind in found and row is not None:
            found[kind].add(int(row))
    return Points(*(tuple(sorted(found[kind])) for kind in KINDS))


def opinion(logits: np.ndarray, count: int = 3) -> list[tuple[int, float]]:
    """The likeliest classes by these logits (classes,), and the probability that a softmax gives each."""
    powers = np.exp(logits.astype(np.float64) - logits.max())
    likely = powers / powers.sum()
    return [(int(c), float(likely[c])) for c in np.argsort(-likely, kind="stable")[:count]]


def nearest_real(view: Mapping[str, np.ndarray], kind: str, row: int, count: int = 6) -> list[tuple[int, float]]:
    """The real points nearest to one point, itself left out: (row among the real ones, distance), nearest first.

    Distances are Euclidean, in the principal dimensions that the view keeps.
    """
    real = view["real"].astype(np.float64)
    distances = np.linalg.norm(real - view[kind][row].astype(np.float64), axis=1)
    if kind == "real":
        distances[row] = np.inf
    order = np.argsort(distances, kind="stable")[: min(count, len(real) - (kind == "real"))]
    return [(int(i), float(distances[i])) for i in order]


def target_of(view: Mapping[str, np.ndarray], row: int) -> int | None:
    """The row of the target feature of a synthetic image; None when it is of an earlier network and not in the view."""
    if "targets" not in view:
        return None
    labels = view["synthetic_labels"]
    rows = np.flatnonzero(view.get("target_labels", labels) == labels[row])
    return int(rows[rank(labels, row)]) if len(rows) else None


def rank(labels: np.ndarray, row: int) -> int:
    """How many rows of the same class come before this one."""
    return int((labels[:row] == labels[row]).sum())


def maker(path: Sequence[Snapshot], c: int) -> Snapshot | None:
    """The snapshot on a path whose inversion made the images of class c that its end has; None if that is not told."""
    made = [node for node in path if node.verb == "invert" and c in node.record.get("inverted_classes", ())]
    return made[-1] if made else None
