"""The bundled images, and what is said when they are missing or damaged."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from cl_core import datasets
from cl_core.datasets import ASSETS, DataError, Split


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the bundled data that a test may harm."""
    shutil.copytree(ASSETS / "fashion-mnist", tmp_path / "fashion-mnist")
    monkeypatch.setattr(datasets, "ASSETS", tmp_path)
    return tmp_path / "fashion-mnist"


def test_the_bundle_is_stratified_small_and_disjoint():
    data = datasets.load("fashion-mnist")
    assert len(data.class_names) == 10
    for name, each in {"train": 1000, "validation": 200, "test": 200}.items():
        split = data.split(name)
        assert split.images.shape == (10 * each, 1, 28, 28)
        assert split.images.dtype == np.uint8
        assert np.bincount(split.labels).tolist() == [each] * 10
        assert not split.images.flags.writeable
    seen = {image.tobytes() for image in data.split("train").images}
    assert not any(image.tobytes() in seen for image in data.split("validation").images)
    assert sum(file.stat().st_size for file in (ASSETS / "fashion-mnist").iterdir()) <= 8e6


def test_the_same_files_have_the_same_fingerprint_wherever_they_lie(assets):
    fingerprint = datasets.load("fashion-mnist").fingerprint
    assert fingerprint == datasets.bundled.load(ASSETS / "fashion-mnist").fingerprint
    assert len(fingerprint) == 64


@pytest.mark.parametrize("file", ["train.npz", "test.npz", "meta.json"])
@pytest.mark.parametrize("harm", ["missing", "cut", "changed"])
def test_a_damaged_file_is_named_with_how_to_rebuild_it(assets, file, harm):
    target = assets / file
    content = target.read_bytes()
    if harm == "missing":
        target.unlink()
    elif harm == "cut":
        target.write_bytes(content[: len(content) // 2])
    else:
        target.write_bytes(content.replace(b"8", b"9"))
    with pytest.raises(DataError) as caught:
        datasets.load("fashion-mnist")
    assert "build-data" in str(caught.value)
    assert "\n" not in str(caught.value)
    if not (file == "meta.json" and harm == "changed"):  # then a checksum is wrong, and its file is named
        assert str(target) in str(caught.value)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(DataError, match=r"mnist-fashion.*fashion-mnist"):
        datasets.load("mnist-fashion")


def test_rows_keep_the_order_asked_for():
    split = Split(np.arange(8, dtype=np.uint8).reshape(4, 1, 1, 2), np.arange(4)).rows(np.array([2, 0]))
    assert split.labels.tolist() == [2, 0]
    assert split.images[:, 0, 0, 0].tolist() == [4, 0]
    assert len(split) == 2
