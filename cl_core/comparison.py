"""Two snapshots in one space: real test images and the synthetic images of both, as one named network sees them.

Features of two networks live in different spaces, so a third snapshot, which may be one of the two, lends its network
to both. One PCA is fitted on the real features; everything is shown in its axes. Torch is imported when it computes.
"""

import hashlib
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zipfile import BadZipFile

import numpy as np

from cl_core import metrics
from cl_core.config import ConfigError
from cl_core.files import Files
from cl_core.pulse import pulse
from cl_core.snapshot import Snapshot
from cl_core.store import StoreError
from cl_core.stream import TaskStream

VERSION = 1  # raise it when the same snapshots would give other numbers
DIMENSIONS = 64
IMAGES_A_CLASS = 100
NONE = np.zeros(0, np.int64)
ARRAYS = ("real", "real_labels", "explained", "a", "a_labels", "b", "b_labels")


@dataclass(frozen=True)
class Comparison:
    """Features in the principal axes (k at most 64) of the real ones. Classes are numbered as in A's stream.

    real (n, k), real_labels (n,), explained (k,): shares of the variance of the real features; a (m, k), a_labels (m,):
    of A's synthetic images, m = 0 where it has none; b, b_labels: of B's. alignment: how well each one's lie where the
    real ones do, a row a class, as in a snapshot's record. lender: the id of the step whose network it is.
    """

    lender: str
    real: np.ndarray
    real_labels: np.ndarray
    explained: np.ndarray
    a: np.ndarray
    a_labels: np.ndarray
    b: np.ndarray
    b_labels: np.ndarray
    alignment: Mapping[str, Sequence[Mapping[str, Any]]]  # by "a" and "b"


def shared_classes(a: Snapshot, b: Snapshot) -> dict[int, int]:
    """B's number of each class → A's, of the classes that both streams have and at least one of the two has seen.

    Raises ConfigError when they are of different data, or have no class in common.
    """
    if a.config.stream.data != b.config.stream.data:
        raise ConfigError(
            f"A is of {a.config.stream.data} and B of {b.config.stream.data}: features and images can only be compared "
            "on the same data."
        )
    here = {name: c for c, name in enumerate(a.class_names)}
    seen = {*a.class_names[: a.classes_seen], *b.class_names[: b.classes_seen]}
    both = {c: here[name] for c, name in enumerate(b.class_names) if name in here and name in seen}
    if not both:
        raise ConfigError("A and B have learned nothing that both of their streams bring.")
    return both


def synthetic_of(node: Snapshot, numbers: Mapping[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The synthetic images of some classes (m, c, h, w), and their classes (m,) by new numbers."""
    images, labels = node.synthetic
    kept = np.isin(labels, list(numbers))
    return images[kept], np.array([numbers[c] for c in labels[kept].tolist()], np.int64)


def _hidden_of(node: Snapshot, numbers: Mapping[int, int]) -> np.ndarray | None:
    """Of the same classes what is replayed in the place of images (m, t, w), which a network with the same patch

    embedding takes; None where images are replayed.
    """
    return None if node.hidden is None else node.hidden[np.isin(node.synthetic[1], list(numbers))]


def compare(a: Snapshot, b: Snapshot, lender: Snapshot) -> Comparison:
    """A and B (with their synthetic images) as the network of `lender` (with its model) sees them.

    Raises ConfigError when they cannot be compared, StoreError when that network is not there.
    """
    numbers = shared_classes(a, b)
    if lender.tasks_learned == 0:
        raise ConfigError("A network that has learned nothing is no measure: choose one that has.")
    shared_classes(lender, a)  # refuses a network of other data
    if not lender.group("model"):
        raise StoreError(f"The network of the step {lender.id} is not kept here, so it cannot extract features.")
    import torch
    from sklearn.decomposition import PCA

    from cl_core import measure
    from cl_core.images import from_bytes
    from cl_core.state import State

    state = State.of(lender, lender.config)

    def features(unit: torch.Tensor) -> np.ndarray:
        found = measure.features_of(state.network, state.normalise(unit.to(state.device)))
        return np.asarray(found.cpu().numpy())

    real_images, real_labels = real_images_of(a, b, numbers)
    real = features(from_bytes(real_images, state.device))
    pca = PCA(min(DIMENSIONS, *real.shape), svd_solver="full").fit(real)
    arrays = {"real": pca.transform(real), "real_labels": real_labels, "explained": measure.explained(pca)}
    for name, node, of in (("a", a, {c: c for c in numbers.values()}), ("b", b, numbers)):
        images, labels = synthetic_of(node, of)
        hidden = _hidden_of(node, of) if node.config.network == lender.config.network else None
        if hidden is not None:
            found = measure.features_of(state.network, torch.tensor(hidden, device=state.device).float()).cpu().numpy()
        else:
            found = features(torch.tensor(images).float()) if len(images) else real[:0]
        arrays |= {
            name: pca.transform(found) if len(found) else found[:, : pca.n_components_],
            f"{name}_labels": labels,
        }
    aligned = {name: _alignment(arrays, name, lender.config.machine.seed) for name in ("a", "b")}
    return Comparison(lender.id, **arrays, alignment=aligned)


def real_images_of(a: Snapshot, b: Snapshot, numbers: Mapping[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Test images of the shared classes, uint8 (n, c, h, w), and their numbers (n,): class by class, the first ones.

    They come from the stream of the one that has seen more.
    """
    longer, own = (a, {c: c for c in numbers.values()}) if a.classes_seen >= b.classes_seen else (b, dict(numbers))
    stream = TaskStream(longer.config.stream, longer.config.machine.seed)
    rows, labels = stream.first_rows("test", longer.tasks_learned - 1, IMAGES_A_CLASS)
    kept = np.isin(labels, list(own))
    return stream.dataset.split("test").images[rows[kept]], np.array([own[c] for c in labels[kept].tolist()], np.int64)


def _alignment(arrays: Mapping[str, np.ndarray], name: str, seed: int) -> list[dict[str, Any]]:
    """Fréchet distance, its floor, cosine of the means … of each class that a side has images of (METHOD.md §9)."""
    real, labels = arrays["real"], arrays["real_labels"]
    rows = []
    for c in np.unique(arrays[f"{name}_labels"]):
        pulse()
        of = arrays[name][arrays[f"{name}_labels"] == c]
        found = metrics.alignment(real[labels == c], of, real.mean(0), np.random.default_rng(seed))
        rows.append({"class": int(c), "images": len(of), **found})
    return rows


def of_views(a: Snapshot, b: Snapshot, network: str) -> Comparison | None:
    """The same from features that were stored with the snapshots, when both came from one network, named by its step.

    None when they were extracted differently: other real images, or other axes.
    """
    views = a.group("view"), b.group("view")
    if a.class_names != b.class_names or not all("real" in view for view in views):
        return None
    if not np.array_equal(views[0]["real"], views[1]["real"]):
        return None
    k = views[0]["real"].shape[1]
    arrays = {name: views[0][name] for name in ("real", "real_labels", "explained")}
    for name, view in zip(("a", "b"), views, strict=True):
        arrays |= {name: view.get("synthetic", np.zeros((0, k))), f"{name}_labels": view.get("synthetic_labels", NONE)}
    aligned = {name: list(node.record.get("alignment", [])) for name, node in (("a", a), ("b", b))}
    return Comparison(network, **arrays, alignment=aligned)


# Kept beside the snapshots, by what it is made of.


def name_of(a: str, b: str, lender: str) -> str:
    """Under which name the comparison of these snapshots is kept in a store; their ids say all that it depends on."""
    identity = json.dumps([VERSION, DIMENSIONS, IMAGES_A_CLASS, a, b, lender])
    return f"comparisons/{hashlib.sha256(identity.encode()).hexdigest()[:20]}.npz"


def save(files: Files, name: str, made: Comparison) -> None:
    """Write it whole or not at all. Raises StoreError when the disk refuses."""
    arrays = {name: _compact(getattr(made, name)) for name in ARRAYS}
    told = json.dumps({"lender": made.lender, "alignment": made.alignment})
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, told=np.array(told), **arrays)
    try:
        files.write(name, content.getvalue())
    except OSError as error:
        raise StoreError(f"The comparison could not be saved in {files.path} ({error.strerror or error}).") from error


def read(files: Files, name: str) -> Comparison | None:
    """What was saved; None when it is not there or damaged, so that it is computed again."""
    try:
        with np.load(io.BytesIO(files.read(name)), allow_pickle=False) as found:
            told = json.loads(str(found["told"]))
            return Comparison(told["lender"], **{name: found[name] for name in ARRAYS}, alignment=told["alignment"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError, BadZipFile, zlib.error):
        return None


def _compact(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype.kind == "f" else array
