"""How classes move from task to task: their real features and their stored Gaussians, on the axes of one network. Pure.

Each network has a space of its own, so one is named, and every other network's features are turned, shifted and scaled
as a whole until the same test images lie as near as they can to where the named network sees them (Procrustes). Such a
map keeps every shape, and maps a Gaussian exactly; what of the features it cannot bring together is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cl_core.datasets import DataError
from cl_core.snapshot import Snapshot

View = Mapping[str, np.ndarray]  # the arrays of a snapshot's group "view"


@dataclass(frozen=True)
class Step:
    """One network of a branch, after its task, in the plane of the named one's first two principal axes.

    real_mean, kept_mean (classes, 2); real_covariance, kept_covariance (classes, 2, 2); off (classes,): distance of
    the kept mean from the real one in all dimensions of this network, in units of the class's own deviation; shared:
    how much of the variance of the images that both networks know lies in the same place after the map, 0 … 1.
    """

    tasks: int
    classes: tuple[int, ...]
    newest: frozenset[int]
    real_mean: np.ndarray
    real_covariance: np.ndarray
    kept_mean: np.ndarray
    kept_covariance: np.ndarray
    off: np.ndarray
    shared: float
    images: int  # real ones, of the class that has fewest

    def mean_off(self, newest: bool) -> float | None:
        """Mean of off over the newest classes, or over the others; None where there are none."""
        own = [value for c, value in zip(self.classes, self.off, strict=True) if (c in self.newest) == newest]
        return float(np.mean(own)) if own else None


def networks(path: Sequence[Snapshot]) -> list[Snapshot]:
    """The steps of a branch that made a network: inversion leaves it as it is."""
    return [step for step in path if step.verb == "learn"]


def steps(learned: Sequence[Snapshot], views: Sequence[View], named: int) -> list[Step]:
    """Every network of a branch on the axes of learned[named]. views: of these snapshots, in the same order."""
    return [_step(node, view, views[named]) for node, view in zip(learned, views, strict=True)]


def _step(node: Snapshot, view: View, named: View) -> Step:
    newest = frozenset(node.classes(node.tasks_learned - 1))
    real, labels = view["real"].astype(np.float64), view["real_labels"]
    mean, covariance = view["gaussian_mean"].astype(np.float64), view["gaussian_covariance"].astype(np.float64)
    classes = tuple(c for c in range(len(mean)) if (labels == c).sum() > 2)
    if not classes:
        raise DataError("A class needs three test images at least for its movement to be drawn; here none has so many.")
    turn, scale, here, there, shared = procrustes(*_same_images(view, named))
    w = scale * turn[:, :2].T  # (2, k): the map, and then the first two axes of the named network
    own = [real[labels == c] for c in classes]
    centres = np.stack([points.mean(0) for points in own])
    kept = mean[list(classes)]
    spread = np.array([np.sqrt(points.var(0).sum()) for points in own])
    return Step(
        tasks=node.tasks_learned,
        classes=classes,
        newest=newest,
        real_mean=(centres - here) @ w.T + there[:2],
        real_covariance=np.stack([w @ np.cov(points.T) @ w.T for points in own]),
        kept_mean=(kept - here) @ w.T + there[:2],
        kept_covariance=w @ covariance[list(classes)] @ w.T,
        off=np.linalg.norm(kept - centres, axis=1) / np.maximum(spread, 1e-12),
        shared=shared,
        images=min(len(points) for points in own),
    )


def _same_images(view: View, named: View) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, k) and (n, l) of the test images that both views have."""
    _, here, there = np.intersect1d(view["real_index"], named["real_index"], return_indices=True)
    return view["real"][here].astype(np.float64), named["real"][there].astype(np.float64)


def procrustes(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, float, np.ndarray, np.ndarray, float]:
    """The map x ↦ s (x − ā) R + b̄ from points a (n, k) to the same points b (n, l): R (k, l), s, ā, b̄, and r².

    R is orthogonal (the best for these points), s gives a the spread of b, and r² is the share of their variance that
    then lies in the same place: ‖(A−ā)ᵀ(B−b̄)‖*² / (‖A−ā‖² ‖B−b̄‖²), with the nuclear norm.
    """
    here, there = a.mean(0), b.mean(0)
    x, y = a - here, b - there
    u, values, vt = np.linalg.svd(x.T @ y, full_matrices=False)
    sizes = max(float(np.linalg.norm(x)), 1e-12), max(float(np.linalg.norm(y)), 1e-12)
    return u @ vt, sizes[1] / sizes[0], here, there, float(min(1.0, (values.sum() / (sizes[0] * sizes[1])) ** 2))


def most_off(step: Step) -> tuple[int, float]:
    """The class whose kept mean is farthest off, and by how much."""
    worst = int(np.argmax(step.off))
    return step.classes[worst], float(step.off[worst])
