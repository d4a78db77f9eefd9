"""Tests compute on one thread: two processes with two threads each stand in each other's way on two cores."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cl_core.store import Store


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Store, list[str]]":
    """A real run of two tasks, the second learned with other settings than the first, and the ids from the root on."""
    from cl_core import experiment
    from cl_core.config import Config
    from cl_core.store import Store
    from tests.cl_core.test_commands import SMALLEST

    store = Store(tmp_path_factory.mktemp("grown"))
    config = Config().override(SMALLEST | {"learn": SMALLEST["learn"] | {"strategy": "pmi"}})
    path = [experiment.start(config)]
    store.save(path[0])
    other = config.override({"learn": {"hard_kd": 3.0, "lr": 0.03}, "invert": {"layer_iterations": [1] * 4}})
    for verb, settings in (("learn", config), ("invert", other), ("learn", other)):
        growing = experiment.grow(path[-1], verb, settings, store)
        while True:
            try:
                next(growing)
            except StopIteration as end:
                path.append(end.value)
                break
    return store, [step.id for step in path]
