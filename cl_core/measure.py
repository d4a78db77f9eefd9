"""What is measured after a step: accuracies, and features for looking at."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from cl_core import metrics
from cl_core.backbones import Backbone
from cl_core.backbones.chain import evaluating
from cl_core.heads import Head
from cl_core.images import Normaliser, from_bytes
from cl_core.inversion import Inversion
from cl_core.pulse import pulse
from cl_core.statistics import ClassGaussians
from cl_core.stream import TaskStream

VIEW_DIMENSIONS = 64
VIEW_IMAGES_A_CLASS = 100


def features_of(backbone: Backbone, images: Tensor) -> Tensor:
    """Penultimate features (n, d) of normalised images, in evaluation mode."""
    with torch.no_grad(), evaluating(backbone):
        return torch.cat([backbone.features(part) for part in images.split(backbone.at_once)])


def predict(backbone: Backbone, images: np.ndarray, normalise: Normaliser) -> np.ndarray:
    """Logits (n, classes) of uint8 images (n, c, h, w)."""
    device = backbone.device
    features = features_of(backbone, normalise(from_bytes(images, device)))
    with torch.no_grad():
        return backbone.head(features).cpu().numpy()


def accuracies(
    logits: np.ndarray, labels: np.ndarray, tasks: np.ndarray, task_classes: Sequence[Sequence[int]]
) -> dict[str, Any]:
    """Class-incremental accuracy a task, a class and in all; task-incremental accuracy a task (only that task's logits

    compete: the same where each task is a domain with all the classes in it); and the confusion counts.
    logits (n, classes), labels (n,), tasks (n,): each image's task; task_classes: the classes of each task seen.
    """
    classes = logits.shape[1]
    predicted = logits.argmax(1)
    right = predicted == labels
    rivals = np.stack([np.isin(np.arange(classes), of) for of in task_classes])  # (tasks seen, classes)
    told = np.where(rivals[tasks], logits, -np.inf).argmax(1) == labels
    of_tasks = [tasks == t for t in range(len(task_classes))]
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (labels, predicted), 1)
    return {
        "tasks": [float(right[of].mean()) for of in of_tasks],
        "told": [float(told[of].mean()) for of in of_tasks],
        "classes": [float(right[labels == c].mean()) for c in range(classes)],
        "total": float(right.mean()),
        "confusion": confusion.tolist(),
    }


def zero_shot_record(backbone: Backbone, stream: TaskStream, normalise: Normaliser) -> dict[str, Any]:
    """What a network that knows classes by prompts says of the whole stream before it has learned anything, by split.

    accuracy: rows as of an accuracy matrix, row i among the classes of tasks 0 … i, as if they had been learned;
    total_accuracy: of all those tasks' images, a number a row; class_accuracy: a row of all the classes' in the end.
    """
    found: dict[str, Any] = {"accuracy": {}, "total_accuracy": {}, "class_accuracy": {}}
    for split in ("validation", "test"):
        everything = stream.seen(len(stream) - 1, split)
        logits, tasks = predict(backbone, everything.images, normalise), stream.tasks_of(everything)
        rows = []
        for task in range(len(stream)):
            there = tasks <= task
            rivals = logits[there, : stream.classes_before(task + 1)]
            known = [stream.classes(t) for t in range(task + 1)]
            rows.append(accuracies(rivals, everything.labels[there], tasks[there], known))
        found["accuracy"][split] = [row["tasks"] for row in rows]
        found["total_accuracy"][split] = [row["total"] for row in rows]
        found["class_accuracy"][split] = rows[-1]["classes"]
    return found


def ahead_record(
    backbone: Backbone, stream: TaskStream, task: int, normalise: Normaliser, before: Mapping[str, Any]
) -> dict[str, list[float]]:
    """Accuracy on each next task before it was learned, among its classes and all earlier ones, by split: the entries

    of `before` with one more, after learning `task`. The backbone's head must know the next task's classes.
    """
    record = {}
    for split in ("validation", "test"):
        coming = stream.seen(task + 1, split)
        coming = coming.rows(np.flatnonzero(stream.tasks_of(coming) == task + 1))
        right = predict(backbone, coming.images, normalise).argmax(1) == coming.labels
        record[split] = [*before.get(split, []), float(right.mean())]
    return record


def accuracy_record(
    backbone: Backbone,
    stream: TaskStream,
    task: int,
    normalise: Normaliser,
    all_heads: Mapping[str, Head],
    head: str,
    before: Mapping[str, Any],
) -> dict[str, Any]:
    """The accuracy entries of a record after learning `task`: the rows of `before` with one more row each.

    All but "heads" are of the head named `head`; "heads" has the accuracy over all the classes seen of every head.
    """
    task_classes = [stream.classes(t) for t in range(task + 1)]
    record: dict[str, Any] = {"heads": {kind: dict(before.get("heads", {}).get(kind, {})) for kind in all_heads}}
    for split in ("validation", "test"):
        seen = stream.seen(task, split)
        features = features_of(backbone, normalise(from_bytes(seen.images, backbone.device)))
        logits = {kind: (features @ h.weight.T + h.bias).cpu().numpy() for kind, h in all_heads.items()}
        found = accuracies(logits[head], seen.labels, stream.tasks_of(seen), task_classes)
        rows = {
            "accuracy": found["tasks"],
            "task_accuracy": found["told"],
            "class_accuracy": found["classes"],
            "total_accuracy": found["total"],
        }
        for name, row in rows.items():
            record.setdefault(name, {})[split] = [*before.get(name, {}).get(split, []), row]
        record.setdefault("confusion", {})[split] = found["confusion"]
        for kind, guesses in logits.items():
            total = float((guesses.argmax(1) == seen.labels).mean())
            record["heads"][kind][split] = [*record["heads"][kind].get(split, []), total]
    return record


def view_arrays(
    backbone: Backbone,
    stream: TaskStream,
    task: int,
    normalise: Normaliser,
    gaussians: ClassGaussians,
    synthetic: tuple[Tensor, Tensor],
    targets: tuple[Tensor, Tensor] | None,
    more: Mapping[str, Tensor] = MappingProxyType({}),
) -> dict[str, np.ndarray]:
    """Features for looking at, in the principal dimensions (at most 64) of the real test features of this network.

    synthetic: normalised images, or hidden inputs, and labels; targets: those (m, d) of the inversion just made
    and their classes, None without one: they belong to this network only. logits (n, classes): what its own head says
    of an image. An orthonormal projection maps a Gaussian exactly: mean W(μ − c), covariance W Σ Wᵀ.
    more: other features (…, d) to project in the same way, by name.
    """
    device = backbone.device
    rows, labels = stream.first_rows("test", task, VIEW_IMAGES_A_CLASS)
    images = stream.dataset.split("test").images[rows]
    found = features_of(backbone, normalise(from_bytes(images, device)))
    real = found.cpu().numpy()
    fitted = real if len(real) > 1 else np.repeat(real, 2, axis=0)  # a plane at least, also for a single image
    with np.errstate(invalid="ignore"):  # equal features have no variance to share out
        pca = PCA(min(VIEW_DIMENSIONS, *fitted.shape), svd_solver="full").fit(fitted)
    covariances = [gaussians.covariance(c).cpu().numpy() for c in range(len(gaussians))]
    arrays = {
        "real": _compact(pca.transform(real)),
        "real_labels": labels.astype(np.int16),
        "real_index": rows.astype(np.int32),
        "real_logits": _logits(backbone, found),
        "explained": explained(pca).astype(np.float32),
        "gaussian_mean": pca.transform(gaussians.mean.cpu().numpy()).astype(np.float32),
        "gaussian_covariance": _compact(
            np.stack([pca.components_ @ covariance @ pca.components_.T for covariance in covariances])
        ),
    }
    if len(synthetic[0]):
        found = features_of(backbone, synthetic[0])
        arrays["synthetic"] = _compact(pca.transform(found.cpu().numpy()))
        arrays["synthetic_logits"] = _logits(backbone, found)
        arrays["synthetic_labels"] = synthetic[1].cpu().numpy().astype(np.int16)
        arrays["synthetic_index"] = np.arange(len(found), dtype=np.int32)
    if targets is not None:
        arrays["targets"] = _compact(pca.transform(targets[0].cpu().numpy()))
        arrays["target_labels"] = targets[1].cpu().numpy().astype(np.int16)
    for name, features in more.items():
        flat = pca.transform(features.flatten(0, -2).cpu().numpy())
        arrays[name] = _compact(flat.reshape(*features.shape[:-1], -1))
    return arrays


def explained(pca: PCA) -> np.ndarray:
    """The share of the variance that each axis has: zeros where all the features are equal, or there is but one."""
    return np.nan_to_num(np.asarray(pca.explained_variance_ratio_))


def _logits(backbone: Backbone, features: Tensor) -> np.ndarray:
    with torch.no_grad():
        return _compact(backbone.head(features).float().cpu().numpy())


def film(
    backbone: Backbone, normalise: Normaliser, inversion: Inversion | None
) -> tuple[dict[str, np.ndarray], dict[str, Tensor]]:
    """The film of an inversion as arrays of a snapshot, and its features for `view_arrays`; nothing without a film.

    film/images (frames, n, c, h, w) uint8 and film/labels (n,); features film (frames, n, d) and film_targets (n, d).
    """
    if inversion is None:
        return {}, {}
    images, rows = np.stack(inversion.film.images), torch.tensor(inversion.film.rows, device=inversion.targets.device)
    if inversion.film.hidden:
        shown = torch.stack(inversion.film.hidden).flatten(0, 1)
    else:
        shown = normalise(from_bytes(images, inversion.targets.device).flatten(0, 1))
    features = features_of(backbone, shown).unflatten(0, images.shape[:2])
    arrays = {"film/images": images, "film/labels": inversion.labels[rows].cpu().numpy()}
    return arrays, {"film": features, "film_targets": inversion.targets[rows]}


def _compact(features: np.ndarray) -> np.ndarray:
    """As float16, or float32 where that would overflow."""
    return features.astype(np.float16 if np.abs(features).max(initial=0) < 6e4 else np.float32)


def alignment_record(view: Mapping[str, np.ndarray], seed: int) -> list[dict[str, Any]]:
    """For each class with synthetic images: Fréchet distance to the real test features, its floor, cosine of the means.

    The floor is what two sets of real features of the same sizes give (METHOD.md §9).
    """
    if "synthetic" not in view:
        return []
    real, synthetic = view["real"].astype(np.float64), view["synthetic"].astype(np.float64)
    rows = []
    for c in np.unique(view["synthetic_labels"]):
        pulse()
        a, b = real[view["real_labels"] == c], synthetic[view["synthetic_labels"] == c]
        found = metrics.alignment(a, b, real.mean(0), np.random.default_rng(seed))
        rows.append({"class": int(c), "images": len(b), **found})
    return rows


def kept_record(arrays: Mapping[str, np.ndarray], groups: Sequence[str]) -> list[dict[str, Any]]:
    """What data-free learning stores: one row for each array of those groups."""
    rows = []
    for name, array in arrays.items():
        if name.partition("/")[0].rstrip("0123456789") in groups:
            rows.append({"what": name, "shape": " × ".join(map(str, array.shape)), "bytes": int(array.nbytes)})
    return rows
