"""The numbers that lessons turn on, each from one snapshot with its arrays. Accuracies are on test images. Pure."""

import numpy as np

from cl_core import datasets
from cl_core.snapshot import Snapshot
from dashboard.lessons.lesson import Measure

SPLIT = "test"
SHRINKAGE = 0.02


def old_accuracy(node: Snapshot) -> float:
    """Mean accuracy on all the tasks but the newest, 0 … 1."""
    return float(np.mean(node.record["accuracy"][SPLIT][-1][:-1]))


def new_accuracy(node: Snapshot) -> float:
    """Accuracy on the newest task, 0 … 1."""
    return float(node.record["accuracy"][SPLIT][-1][-1])


def total_accuracy(node: Snapshot) -> float:
    """Accuracy over all the classes seen, 0 … 1."""
    return float(node.record["total_accuracy"][SPLIT][-1])


def zero_shot_accuracy(node: Snapshot) -> float:
    """What a CLIP names rightly of all the classes seen by their words, before it has learned anything, 0 … 1."""
    return float(node.record["zero_shot"]["total_accuracy"][SPLIT][node.tasks_learned - 1])


def at_the_start(node: Snapshot) -> float:
    """How far the features of the images an inversion starts from are from their targets (see `_distances`)."""
    return float(_distances(node)[0])


def after_layers(node: Snapshot) -> float:
    """The same when the last group of layers is inverted, before the refinement."""
    frames = node.record["film"]
    return float(_distances(node)[max(i for i, frame in enumerate(frames) if frame["stage"] != "refine")])


def in_the_end(node: Snapshot) -> float:
    """The same when the inversion is over."""
    return float(_distances(node)[-1])


def _distances(node: Snapshot) -> np.ndarray:
    """Mean squared Mahalanobis distance to the target feature at each frame of the film, a dimension.

    In units of the class's kept Gaussian, whose covariance is pulled by 2 % toward a sphere.
    """
    view, labels = node.group("view"), node.arrays["film/labels"]
    found = []
    for c in np.unique(labels):
        away = (view["film"][:, labels == c].astype(float) - view["film_targets"][labels == c]).swapaxes(0, 1)
        covariance = view["gaussian_covariance"][c].astype(float)
        d = len(covariance)
        pulled = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.trace(covariance) / d * np.eye(d)
        found.append((away @ np.linalg.inv(pulled) * away).sum(-1) / d)
    return np.concatenate(found).mean(0)


def objective_left(node: Snapshot) -> float:
    """The least value of the refinement's objective, as a share of its first."""
    curve = node.record["refine"]["curve"]["total"]
    return float(min(curve) / curve[0])


def spread(node: Snapshot) -> float:
    """Deviation of the synthetic features about their class's mean, over that of the real ones; mean over classes."""
    view = node.group("view")
    shares = []
    for c in np.unique(view["synthetic_labels"]):
        made, real = (view[kind][view[f"{kind}_labels"] == c].astype(float) for kind in ("synthetic", "real"))
        shares.append(np.sqrt(made.var(0).sum() / max(real.var(0).sum(), 1e-12)))
    return float(np.mean(shares))


def off(node: Snapshot) -> float:
    """Distance of an old class's kept mean from its real mean feature, in units of the class's own deviation."""
    view = node.group("view")
    newest = set(node.classes(node.tasks_learned - 1))
    found = []
    for c in sorted(set(range(node.classes_seen)) - newest):
        real = view["real"][view["real_labels"] == c].astype(float)
        found.append(np.linalg.norm(view["gaussian_mean"][c] - real.mean(0)) / np.sqrt(max(real.var(0).sum(), 1e-12)))
    return float(np.mean(found))


def lda_accuracy(node: Snapshot) -> float:
    """Accuracy over all the classes seen when they are read off the kept Gaussians (LDA) instead of the head."""
    return float(node.record["heads"]["lda"][SPLIT][-1])


def drawn(node: Snapshot) -> np.ndarray:
    """What the kept statistics of the network's input amount to as pictures (classes, c, h, w), in [0, 1].

    By class and position: the mean image of each class. By channel: one grey for all of them. They are kept in
    normalised units; the darkest value of all is drawn black and the lightest white.
    """
    kept, (c, h, w) = node.group("statistics"), node.arrays["synthetic0/images"].shape[1:]
    pictures = []
    for label in range(node.classes_seen):
        task = next(t for t in range(node.tasks_learned) if label in node.classes(t))
        mean = kept.get(f"class{label}/input0/mean", kept.get(f"task{task}/input0/mean"))
        assert mean is not None, "a snapshot keeps one of the two"
        pictures.append(np.broadcast_to(mean.reshape(c, *(mean.shape[1:] or (1, 1))), (c, h, w)))
    found = np.stack(pictures).astype(float)
    low, high = found.min(), found.max()
    return (found - low) / (high - low) if high > low else np.full_like(found, 0.5)


def likeness(node: Snapshot) -> float:
    """Correlation of a class's picture drawn from the kept statistics with its average real test image; the mean."""
    return _correlation(drawn(node), node)


def dreamed_likeness(node: Snapshot) -> float:
    """The same of its average synthetic image."""
    images, labels = node.synthetic
    return _correlation(np.stack([images[labels == c].astype(float).mean(0) for c in np.unique(labels)]), node)


def _correlation(pictures: np.ndarray, node: Snapshot) -> float:
    """Mean correlation of pictures (classes, c, h, w) with the average real images; 0 for a flat one."""
    found = []
    for picture, real in zip(pictures, average_images(node), strict=True):
        a, b = picture.ravel(), real.ravel()
        found.append(float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-9 and b.std() > 1e-9 else 0.0)
    return float(np.mean(found))


def average_images(node: Snapshot) -> np.ndarray:
    """The average real test image (classes, c, h, w) of each class seen, in [0, 1]: for the truth only."""
    dataset = datasets.load(node.config.stream.data)
    test = dataset.split("test")
    numbers = [dataset.number(name) for name in node.class_names[: node.classes_seen]]
    return np.stack([test.images[test.labels == number].mean(0) / 255 for number in numbers])


OLD = Measure("Old tasks", old_accuracy)
NEW = Measure("Newest task", new_accuracy)
TOTAL = Measure("All classes seen", total_accuracy)
