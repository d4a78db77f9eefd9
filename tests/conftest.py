"""What all the tests share."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cl_core.config import Config
from cl_core.datasets import Dataset, Split
from cl_core.snapshot import Snapshot, freeze
from cl_core.store import Store

# The tests are of the CPU, also where there is a GPU; the processes of test_gpu.py see it again.
os.environ["CUDA_VISIBLE_DEVICES"] = ""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store of this test's own."""
    return Store(tmp_path / "store")


@pytest.fixture
def make_snapshot() -> Callable[..., Snapshot]:
    """Makes a small snapshot; keywords replace its parts."""

    def make(id: str = "a0", parent: str | None = None, arrays: dict[str, np.ndarray] | None = None) -> Snapshot:
        if arrays is None:
            arrays = {"model/weight": np.arange(6, dtype=np.float32).reshape(2, 3), "view/real": np.ones((2, 2), "f2")}
        record = {"replays": True, "accuracy": {"test": [[0.5], [0.25, 0.75]]}}
        return Snapshot(id, parent, "start", 0, Config(), ("cat", "mug"), (1, 1), freeze(arrays), record)

    return make


@pytest.fixture
def tiny_dataset() -> Dataset:
    """Five classes of 4×4 noise: 6 training, 2 validation and 3 test images of each, shuffled; pixel 0 is the class."""

    def read(name: str) -> Split:
        each = {"train": 6, "validation": 2, "test": 3}[name]
        generator = np.random.default_rng(len(name))
        labels = generator.permutation(np.repeat(np.arange(5), each))
        images = generator.integers(0, 256, (len(labels), 1, 4, 4), dtype=np.uint8)
        images[:, 0, 0, 0] = labels
        return Split(images, labels)

    return Dataset("tiny", tuple("abcde"), "0", "none", read)
