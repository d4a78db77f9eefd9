"""Projections and ellipses are what they claim to be."""

import time

import numpy as np
import pytest

from cl_core.files import Files
from dashboard import projections
from dashboard.projections import ellipse


def a_view(classes: int = 3, each: int = 40, k: int = 6, seed: int = 0) -> dict[str, np.ndarray]:
    """Gaussian clouds with known means and covariances."""
    rng = np.random.default_rng(seed)
    mean = rng.normal(0, 3, (classes, k))
    roots = rng.normal(0, 0.6, (classes, k, k))
    covariance = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(k)
    draw = lambda n: np.concatenate([rng.multivariate_normal(m, c, n) for m, c in zip(mean, covariance, strict=True)])  # noqa: E731
    return {
        "real": draw(each).astype(np.float32), "real_labels": np.repeat(np.arange(classes), each),
        "synthetic": draw(5).astype(np.float32), "synthetic_labels": np.repeat(np.arange(classes), 5),
        "gaussian_mean": mean, "gaussian_covariance": covariance, "explained": np.full(k, 1 / k),
    }  # fmt: skip


def test_an_ellipse_is_its_formula():
    mean, covariance = np.array([1.0, -2.0]), np.array([[2.0, 0.8], [0.8, 1.0]])
    for sigmas in (1, 2):
        contour = ellipse(mean, covariance, sigmas) - mean
        mahalanobis = np.einsum("ni,ij,nj->n", contour, np.linalg.inv(covariance), contour)
        np.testing.assert_allclose(mahalanobis, sigmas**2, rtol=1e-9)


@pytest.mark.parametrize(("sigmas", "share"), [(1, 1 - np.exp(-0.5)), (2, 1 - np.exp(-2))])
def test_an_ellipse_holds_its_share_of_the_draws(sigmas, share):
    mean, covariance = np.array([1.0, -2.0]), np.array([[2.0, 0.8], [0.8, 1.0]])
    draws = np.random.default_rng(0).multivariate_normal(mean, covariance, 20000)
    offset = draws - mean
    within = np.einsum("ni,ij,nj->n", offset, np.linalg.inv(covariance), offset) <= sigmas**2
    assert within.mean() == pytest.approx(share, abs=0.01)  # 39 % and 86 %
    contour = ellipse(mean, covariance, sigmas, points=720)
    assert polygon_area(contour) == pytest.approx(np.pi * sigmas**2 * np.sqrt(np.linalg.det(covariance)), rel=1e-3)


def polygon_area(points: np.ndarray) -> float:
    x, y = points.T
    return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2


def test_pca_is_the_first_two_axes():
    view = a_view()
    found = projections.pca(view)
    np.testing.assert_allclose(found.real, view["real"][:, :2], rtol=1e-6)
    np.testing.assert_allclose(found.synthetic, view["synthetic"][:, :2], rtol=1e-6)
    np.testing.assert_allclose(found.mean, view["gaussian_mean"][:, :2])
    np.testing.assert_allclose(found.covariance, view["gaussian_covariance"][:, :2, :2])


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_ellipses_of_lda_are_the_image_of_the_gaussian(classes):
    view = a_view(classes)
    found = projections.lda(view)
    rng = np.random.default_rng(1)
    for c in range(classes):
        draws = rng.multivariate_normal(view["gaussian_mean"][c], view["gaussian_covariance"][c], 40000)
        both = {**view, "synthetic": draws}
        projected = projections.lda(both).synthetic
        np.testing.assert_allclose(projected.mean(0), found.mean[c], atol=0.08)
        np.testing.assert_allclose(np.cov(projected.T), found.covariance[c], rtol=0.08, atol=0.02)


def test_lda_of_two_classes_has_two_axes_and_separates_them_on_the_first():
    view = a_view(2)
    found = projections.lda(view)
    assert found.axes == ("discriminant 1", "principal axis across it")
    gap = abs(found.real[view["real_labels"] == 0, 0].mean() - found.real[view["real_labels"] == 1, 0].mean())
    assert gap > 2 * found.real[view["real_labels"] == 0, 0].std()


def test_one_class_has_no_lda():
    with pytest.raises(ValueError, match="at least two"):
        projections.lda(a_view(1))


def test_a_view_without_synthetic_images_is_fine():
    view = {name: array for name, array in a_view().items() if not name.startswith("synthetic")}
    assert projections.pca(view).synthetic.shape == (0, 2)
    assert projections.lda(view).synthetic.shape == (0, 2)


def test_real_points_stay_when_synthetic_ones_are_added():
    view = a_view()
    without = {name: array for name, array in view.items() if not name.startswith("synthetic")}
    for project in (projections.pca, projections.lda):
        np.testing.assert_array_equal(project(view).real, project(without).real)


def test_the_reference_of_umap_is_stratified_and_capped(monkeypatch):
    monkeypatch.setattr(projections, "UMAP_REFERENCE", 30)
    given = projections.umap_input(a_view(3, each=40))
    assert len(given["reference"]) == 30
    assert np.bincount(given["reference_rows"] // 40).tolist() == [10, 10, 10]
    assert len(given["rest"]) == 90
    assert given["draws"].shape == (3, projections.UMAP_DRAWS, 6)


def test_a_umap_under_way_can_be_ended_at_once(tmp_path):
    work = projections.compute_umap(a_view(), Files(tmp_path))
    next(work)
    next(work)
    began = time.monotonic()
    work.close()
    assert time.monotonic() - began < 1.0
    assert projections.stored_umap(a_view(), [Files(tmp_path)]) is None


def test_a_stored_umap_is_found_again_and_a_damaged_one_is_not(tmp_path):
    view = a_view()
    file = tmp_path / "umap" / f"{projections.umap_key(view)}.npz"
    file.parent.mkdir()
    np.savez(
        file, real=np.ones((120, 2)), synthetic=np.ones((15, 2)), mean=np.ones((3, 2)), covariance=np.ones((3, 2, 2))
    )
    found = projections.stored_umap(view, [Files(tmp_path / "elsewhere"), Files(tmp_path)])
    assert found is not None
    assert "fitted" in found.note  # it says that these ellipses are not exact
    file.write_bytes(b"no archive")
    assert projections.stored_umap(view, [Files(tmp_path)]) is None
