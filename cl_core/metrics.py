"""Measures (METHOD.md §9): pure functions of the accuracy matrix and of feature sets. No torch.

The accuracy matrix R is a list of rows; R[i][j] is the accuracy on task j after learning task i, 0 … 1. Row i needs
its first i + 1 entries only. T is the number of rows: the tasks learned.
"""

from collections.abc import Sequence

import numpy as np

Matrix = Sequence[Sequence[float]]


def average_accuracy(matrix: Matrix, task_sizes: Sequence[int] | None = None) -> float:
    """A_T = Σ_j w_j · R[T, j] / Σ_j w_j over j ≤ T.

    With w_j the number of test images (or, when classes are balanced, of classes) of task j it is the accuracy over
    all the classes seen. task_sizes: those weights; None: equal ones.
    """
    row = np.asarray(matrix[-1][: len(matrix)], dtype=float)
    weights = np.ones(len(row)) if task_sizes is None else np.asarray(task_sizes[: len(row)], dtype=float)
    return float(row @ weights / weights.sum())


def average_incremental_accuracy(matrix: Matrix, task_sizes: Sequence[int] | None = None) -> float:
    """(1 / T) · Σ_i A_i over i ≤ T, with A_i the average accuracy after task i."""
    return float(np.mean([average_accuracy(matrix[: i + 1], task_sizes) for i in range(len(matrix))]))


def forgetting(matrix: Matrix) -> tuple[list[float], float | None]:
    """F_j = max_{j ≤ i < T} R[i, j] − R[T, j] for each task j < T, and their mean.

    Negative when a task became better. T = 1: nothing can be forgotten yet, ([], None).
    """
    last = len(matrix) - 1
    each = [float(max(matrix[i][j] for i in range(j, last)) - matrix[last][j]) for j in range(last)]
    return each, float(np.mean(each)) if each else None


def backward_transfer(matrix: Matrix) -> float | None:
    """(1 / (T − 1)) · Σ_{j < T} (R[T, j] − R[j, j]); None for T = 1."""
    last = len(matrix) - 1
    return float(np.mean([matrix[last][j] - matrix[j][j] for j in range(last)])) if last else None


def forward_transfer(ahead: Sequence[float], zero_shot: Matrix) -> float | None:
    """(1 / (T − 1)) · Σ_{j > 1} (R[j − 1, j] − Z[j, j]), with R[j − 1, j] in `ahead`; None for T = 1.

    Z is the accuracy matrix of the network that has learned nothing. Both name images of task j among the classes of
    tasks 1 … j.
    """
    return float(np.mean([a - zero_shot[j][j] for j, a in enumerate(ahead, 1)])) if ahead else None


def frechet_distance(mean1: np.ndarray, covariance1: np.ndarray, mean2: np.ndarray, covariance2: np.ndarray) -> float:
    """‖μ1 − μ2‖² + tr(Σ1 + Σ2 − 2 · (Σ1 Σ2)^½) of two Gaussians, means (d,), covariances (d, d); never negative.

    tr (Σ1 Σ2)^½ is the sum of the singular values of Σ1^½ · Σ2^½. The symmetric roots come from an eigendecomposition
    whose negative eigenvalues (rounding) count as zero, so singular covariances are fine.
    """
    overlap = np.linalg.svd(_symmetric_root(covariance1) @ _symmetric_root(covariance2), compute_uv=False).sum()
    shift = float(np.sum((np.asarray(mean1, float) - mean2) ** 2))
    return max(0.0, shift + float(np.trace(covariance1) + np.trace(covariance2) - 2 * overlap))


def frechet_floor(
    real: np.ndarray, size_a: int, size_b: int, generator: np.random.Generator, draws: int = 4
) -> float | None:
    """What the Fréchet distance of two sets of these sizes is when both are real.

    The mean over `draws` random pairs of disjoint subsets of real (n, d). The estimate is biased: it is well above
    zero for small sets, so a distance means something only beside its floor. None when there are too few images.
    """
    if min(size_a, size_b) < 1 or size_a + size_b > len(real):
        return None
    orders = [generator.permutation(len(real))[: size_a + size_b] for _ in range(draws)]
    return float(np.mean([_frechet_of_sets(real[order[:size_a]], real[order[size_a:]]) for order in orders]))


def cosine_of_means(real: np.ndarray, synthetic: np.ndarray, centre: np.ndarray) -> float | None:
    """cos(μ_real − c, μ_synthetic − c) of two sets (n, d), (m, d); None when one of the means is the centre c (d,)."""
    a, b = real.mean(0, dtype=float) - centre, synthetic.mean(0, dtype=float) - centre
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.clip(a @ b / lengths, -1, 1)) if lengths > 0 else None


def mmd(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Maximum mean discrepancy of two sets (n, d), (m, d): [ mean k(x, x') − 2 · mean k(x, y) + mean k(y, y') ]^½.

    k(a, b) = exp(−‖a − b‖² / 2σ²), σ the median distance between distinct members of the union (their mean where the
    median is 0). Means include each point with itself: equal sets give 0. In 0 … √2.
    """
    from scipy.spatial.distance import cdist  # here, as it takes long to import and the first screen needs none of it

    union = np.concatenate([real, synthetic])
    distances = cdist(union, union)
    apart = distances[np.triu_indices(len(union), 1)]
    width = float(np.median(apart)) or float(apart.mean())
    if width == 0:
        return 0.0
    kernel, n = np.exp(-(distances**2) / (2 * width**2)), len(real)
    squared = kernel[:n, :n].mean() - 2 * kernel[:n, n:].mean() + kernel[n:, n:].mean()
    return float(np.sqrt(max(0.0, squared)))


def coverage(real: np.ndarray, synthetic: np.ndarray, k: int = 5) -> float:
    """Share of real points with a synthetic point no further away than their own k-th nearest real neighbour.

    real (n, d), synthetic (m, d). Fewer than k neighbours: the furthest one counts; a single real point must be hit
    exactly. Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, ICML 2020.
    """
    from scipy.spatial.distance import cdist  # here, as it takes long to import and the first screen needs none of it

    radius = np.sort(cdist(real, real), axis=1)[:, min(k, len(real) - 1)]  # column 0 is the point itself
    return float(np.mean(cdist(real, synthetic).min(1) <= radius))


def alignment(
    real: np.ndarray, synthetic: np.ndarray, centre: np.ndarray, generator: np.random.Generator, dimensions: int = 64
) -> dict[str, float | None]:
    """How well synthetic features (m, d) of a class lie where its real ones (n, d) do.

    centre (d,): mean real feature of all the classes, about which the cosine is taken. Wider features are first
    projected on the leading `dimensions` principal axes of the real ones. Fréchet distance and floor compare equal
    sizes: n − b real images against b synthetic, or b other real, b = min(m, n / 2), mean over random subsets.
    Keys: frechet, floor, cosine, mmd, coverage. A measure that too few images leave undefined is None.
    """
    if not len(real) or not len(synthetic):
        return dict.fromkeys(("frechet", "floor", "cosine", "mmd", "coverage"))
    cosine = cosine_of_means(real, synthetic, centre)
    if real.shape[1] > dimensions:
        axes = principal_axes(real, dimensions)
        real, synthetic = real @ axes, synthetic @ axes
    b = min(len(synthetic), len(real) // 2)
    floor = frechet_floor(real, len(real) - b, b, generator)
    if floor is None:  # a single real image
        distance = _frechet_of_sets(real, synthetic)
    else:
        pairs = [(generator.permutation(len(real))[b:], generator.permutation(len(synthetic))[:b]) for _ in range(4)]
        distance = float(np.mean([_frechet_of_sets(real[r], synthetic[s]) for r, s in pairs]))
    scores = {"mmd": mmd(real, synthetic), "coverage": coverage(real, synthetic)}
    return {"frechet": distance, "floor": floor, "cosine": cosine, **scores}


def principal_axes(features: np.ndarray, dimensions: int) -> np.ndarray:
    """The leading principal axes (d, k) of features (n, d), k = min(d, dimensions), most variance first."""
    _, vectors = np.linalg.eigh(_covariance(features))
    return vectors[:, ::-1][:, :dimensions]


def _frechet_of_sets(a: np.ndarray, b: np.ndarray) -> float:
    return frechet_distance(a.mean(0, dtype=float), _covariance(a), b.mean(0, dtype=float), _covariance(b))


def _covariance(features: np.ndarray) -> np.ndarray:
    """Sample covariance (d, d); zero for a single image."""
    centred = np.asarray(features, dtype=float) - features.mean(0, dtype=float)
    return centred.T @ centred / max(1, len(centred) - 1)


def _symmetric_root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
