"""Features in two dimensions: PCA, LDA and UMAP of a snapshot's view arrays, with the stored Gaussians as ellipses.

The view's axes are the principal axes of the real features, centred, so PCA is simply its first two. In a linear
projection x ↦ W(x − c) an ellipse is the exact image of the stored Gaussian: mean W(μ − c), covariance W Σ Wᵀ. UMAP is
not linear: there an ellipse is fitted to projected draws of the Gaussian. UMAP runs in a child process, which can be
ended at any moment; it is fitted on real features and everything else is transformed into it, so the real points do
not move when synthetic ones are added.
"""

import functools
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from cl_core.events import Event
from cl_core.files import Files
from cl_core.store import StoreError
from dashboard.job import Step

View = Mapping[str, np.ndarray]  # the arrays of a snapshot's group "view"

METHODS = ("PCA", "LDA", "UMAP")
UMAP_REFERENCE = 2000  # real points at most: 5,000 take a minute
UMAP_DRAWS = 60  # of each stored Gaussian
UMAP_SETTINGS = (20, 0.25)  # neighbours, least distance
UMAP_SEED = 0
EXACT = "ellipse is the exact image of the Gaussian that is kept: 1σ holds 39\u202f% of it, 2σ 86\u202f%."


@dataclass(frozen=True)
class Projection:
    """Two dimensions of everything. mean (classes, 2), covariance (classes, 2, 2): of the ellipses."""

    real: np.ndarray  # (n, 2)
    synthetic: np.ndarray  # (m, 2)
    mean: np.ndarray
    covariance: np.ndarray
    axes: tuple[str, str]
    note: str  # what the ellipses are
    targets: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))  # (t, 2) of the newest inversion; UMAP: none


def linear(view: View, w: np.ndarray, centre: np.ndarray, axes: tuple[str, str], note: str) -> Projection:
    """x ↦ W(x − c) of a view, W (2, k), c (k,)."""
    mean, covariance = _gaussians(view)
    return Projection(
        real=(view["real"].astype(np.float64) - centre) @ w.T,
        synthetic=(_synthetic(view) - centre) @ w.T,
        mean=(mean - centre) @ w.T,
        covariance=w @ covariance @ w.T,
        axes=axes,
        note=note,
        targets=(view["targets"].astype(np.float64) - centre) @ w.T if "targets" in view else np.zeros((0, 2)),
    )


def pca(view: View) -> Projection:
    """The first two principal axes of the real features."""
    k = view["real"].shape[1]
    explained = view["explained"]
    axes = tuple(f"principal axis {i + 1} · {explained[i]:.0%} of the variance" for i in range(2))
    return linear(view, np.eye(2, k), np.zeros(k), (axes[0], axes[1]), f"An {EXACT}")


def pca_of(view: View, classes: Collection[int]) -> Projection:
    """The first two principal axes of the real features of some classes: what is about these is seen best."""
    x = view["real"][np.isin(view["real_labels"], list(classes))].astype(np.float64)
    x = np.repeat(x, 2, axis=0) if len(x) == 1 else x  # a plane at least
    _, lengths, axes = np.linalg.svd(x - x.mean(0), full_matrices=False)
    share = lengths[:2] ** 2 / ((lengths**2).sum() or 1.0)
    names = tuple(f"principal axis {i + 1} of these classes · {share[i]:.0%} of their variance" for i in range(2))
    note = f"The plane is that of these classes' first two principal axes: {share.sum():.0%} of their real variance."
    return linear(view, axes[:2], x.mean(0), (names[0], names[1]), note)


def lda(view: View) -> Projection:
    """The plane that best separates the classes of the real features (linear discriminant analysis).

    Two classes have a single discriminant; the second axis is then the principal axis across it.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    x, labels = view["real"].astype(np.float64), view["real_labels"]
    if len(np.unique(labels)) < 2:
        raise ValueError("LDA separates classes: it needs at least two of them.")
    try:
        model = LinearDiscriminantAnalysis(solver="eigen", shrinkage=1e-3).fit(x, labels)
    except ValueError as error:
        raise ValueError("LDA needs more images than classes, and features that differ.") from error
    w, axes = model.scalings_[:, :2].T, ("discriminant 1", "discriminant 2")
    if len(np.unique(labels)) == 2:
        first = w[0] / np.linalg.norm(w[0])
        rest = x - x.mean(0)
        rest = rest - np.outer(rest @ first, first)
        across = np.linalg.svd(rest, full_matrices=False)[2][0]
        w = np.stack([w[0], across * np.linalg.norm(w[0])])
        axes = ("discriminant 1", "principal axis across it")
    return linear(view, w, x.mean(0), axes, f"LDA is linear: an {EXACT}")


def ellipse(mean: np.ndarray, covariance: np.ndarray, sigmas: float, points: int = 48) -> np.ndarray:
    """The contour (points, 2) of a Gaussian in two dimensions at so many standard deviations; closed."""
    values, vectors = np.linalg.eigh(covariance)
    angles = np.linspace(0, 2 * np.pi, points)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (points, 2)
    return mean + sigmas * circle @ (vectors * np.sqrt(np.maximum(values, 0))).T


def fitted(xy: np.ndarray, labels: np.ndarray, classes: int) -> list[tuple[np.ndarray, np.ndarray] | None]:
    """Mean (2,) and covariance (2, 2) of the points (n, 2) of each class; None where three or fewer give no ellipse.

    In a linear projection it is the exact image of the Gaussian of the features themselves.
    """
    own = [xy[labels == c] for c in range(classes)]
    return [(points.mean(0), np.cov(points.T)) if len(points) > 3 else None for points in own]


def _gaussians(view: View) -> tuple[np.ndarray, np.ndarray]:
    return view["gaussian_mean"].astype(np.float64), view["gaussian_covariance"].astype(np.float64)


def _synthetic(view: View) -> np.ndarray:
    k = view["real"].shape[1]
    return view["synthetic"].astype(np.float64) if "synthetic" in view else np.zeros((0, k))


# UMAP: computed once for a set of features, kept in a file beside the store.


def umap_key(view: View) -> str:
    """The identity of a UMAP picture: its features and its settings."""
    digest = hashlib.sha256(json.dumps([UMAP_SETTINGS, UMAP_SEED, UMAP_REFERENCE, UMAP_DRAWS]).encode())
    for name in ("real", "real_labels", "synthetic", "gaussian_mean", "gaussian_covariance"):
        if name in view:
            digest.update(np.ascontiguousarray(view[name]).tobytes())
    return digest.hexdigest()[:20]


def umap_name(view: View) -> str:
    """Under which name its UMAP picture is kept in a store."""
    return f"umap/{umap_key(view)}.npz"


def stored_umap(view: View, places: Sequence[Files]) -> Projection | None:
    """The UMAP picture of a view if one of these (of stores) has it."""
    name = umap_name(view)
    for files in places:
        made = files.made(name)
        found = _read_umap_once(files, name, made) if made is not None else None
        if found is not None:
            return found
    return None


@functools.lru_cache(maxsize=16)
def _read_umap_once(files: Files, name: str, made: float) -> Projection | None:
    try:
        with np.load(io.BytesIO(files.read(name)), allow_pickle=False) as arrays:
            found = {name: arrays[name].astype(np.float64) for name in ("real", "synthetic", "mean", "covariance")}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    note = "UMAP bends space: an ellipse is fitted to projected draws of the Gaussian, it is not its image."
    return Projection(**found, axes=("UMAP 1", "UMAP 2"), note=note)


def compute_umap(view: View, files: Files) -> Generator[Any, None, None]:
    """Compute the UMAP picture of a view in a child process and keep it. For a job; closing it ends the child.

    Raises StoreError when the disk refuses.
    """
    yield Step("Drawing the UMAP picture")
    try:
        with tempfile.TemporaryDirectory() as scratch:
            content = yield from _umap_content(view, Path(scratch))
        files.write(umap_name(view), content)
    except OSError as error:
        raise StoreError(f"The UMAP picture could not be saved ({error.strerror or error}).") from error


def _umap_content(view: View, scratch: Path) -> Generator[Any, None, bytes]:
    """The file that the child process makes, in a folder of its own."""
    given, made, log = (scratch / name for name in ("given.npz", "made.npz", "log.txt"))
    np.savez(given, allow_pickle=False, **umap_input(view))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "dashboard.umap_child", str(given), str(made)]
    began = time.monotonic()
    with log.open("wb") as errors:
        child = subprocess.Popen(
            command, stdout=errors, stderr=errors, env=environment, cwd=Path(__file__).parent.parent
        )
    try:
        while child.poll() is None:
            time.sleep(0.1)
            elapsed = time.monotonic() - began
            yield Event("measure", int(elapsed), 0, elapsed / (elapsed + 15))
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    if child.returncode != 0 or not made.is_file():
        raise RuntimeError("UMAP could not be computed: " + log.read_text(errors="replace").strip()[-300:])
    return made.read_bytes()


def umap_input(view: View) -> dict[str, np.ndarray]:
    """What the child process needs: a stratified reference, all the points, and draws of each Gaussian."""
    rng = np.random.default_rng(UMAP_SEED)
    real, labels = view["real"].astype(np.float32), view["real_labels"]
    each = max(1, UMAP_REFERENCE // max(1, len(np.unique(labels))))
    chosen = np.sort(np.concatenate([np.flatnonzero(labels == c)[:each] for c in np.unique(labels)]))
    mean, covariance = _gaussians(view)
    draws = [rng.multivariate_normal(m, c, UMAP_DRAWS, method="eigh") for m, c in zip(mean, covariance, strict=True)]
    rest = np.setdiff1d(np.arange(len(real)), chosen)
    return {
        "reference": real[chosen],
        "reference_rows": chosen,
        "rest": real[rest],
        "rest_rows": rest,
        "synthetic": _synthetic(view).astype(np.float32),
        "draws": np.stack(draws).astype(np.float32),
        "settings": np.array([*UMAP_SETTINGS, UMAP_SEED]),
    }
