"""Every kind of class model on its way through learning, drift, selection and inversion."""

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

from cl_core import experiment, strategies
from cl_core.config import Config, ConfigError
from cl_core.events import Event
from cl_core.presets import preset
from cl_core.statistics.class_models import KINDS


def _config(kind: str, strategy: str = "pmi-cfs") -> Config:
    small = {
        "stream": {"train_per_class": 30, "increment": 5},
        "network": {"width": 8},
        "learn": {"epochs_first": 1, "epochs": 1, "balance_epochs": 1, "class_model": kind},
        "invert": {"images_per_class": 4, "iterations_per_layer": 1, "full_iterations": 2, "cfs_epochs": 2},
    }
    return strategies.configure(preset("demo").override(small), strategy)


def _drain(steps: Generator[Event, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


@pytest.mark.parametrize("kind", KINDS)
def test_two_tasks_are_learned_and_inverted_with_every_class_model(kind: str):
    learned = [s for s in _drain(experiment.run(_config(kind))) if s.verb == "learn"]
    for snapshot, seen in zip(learned, (5, 10), strict=True):
        kept = {name: array for name, array in snapshot.arrays.items() if name.startswith("gaussians/")}
        assert all(len(array) == seen and np.isfinite(array).all() for array in kept.values())
        counted = {row["what"]: row["bytes"] for row in snapshot.record["kept"]}
        assert all(counted[name] == array.nbytes for name, array in kept.items())
        view = snapshot.arrays["view/gaussian_covariance"].astype(np.float64)
        assert np.linalg.eigvalsh(view).min() > -2e-3 * np.abs(view).max()  # kept as float16


def test_another_class_model_for_later_tasks_is_refused_before_it_is_learned():
    first = _drain(experiment.learn(experiment.start(_config("full", "gaussians")), _config("full", "gaussians")))
    with pytest.raises(ConfigError, match="choose one class model"):
        next(experiment.learn(first, _config("low-rank", "gaussians")))
