"""Edges of the numbers, each with what happens there.

NaN, infinity, divergence: Diverged, one sentence that names the control — in learning and inversion here, in features
that are no numbers in test_experiment.py, in a loss in test_inversion.py, in a setting in test_config.py.
A singular covariance, a class with one image, equal features: shrinkage and a floor keep every class model invertible
(test_statistics.py), and the whole stream goes on with the fewest images that a folder may have, and with equal ones.
Zero iterations: what is returned is the start. One class a task, a stream of one task: learned like any other.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cl_core import experiment
from cl_core.commands import kills, report
from cl_core.config import Config, ConfigError
from cl_core.events import Diverged
from cl_core.snapshot import Snapshot


def tiny(**changes: dict[str, Any]) -> Config:
    return Config().override(kills.TINY).override(changes)


def drain(steps: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def finite(path: list[Snapshot]) -> bool:
    """Whether everything that is kept is a number, and every image is in its range."""
    arrays = [array for step in path for array in step.arrays.values()]
    images = path[-1].synthetic[0]
    return all(np.isfinite(array).all() for array in arrays) and bool(((images >= 0) & (images <= 1)).all())


def test_one_class_a_task():
    path = drain(experiment.run(tiny(stream={"increment": 1, "tasks": 3})))
    assert [step.verb for step in path] == ["start", *["learn", "invert"] * 3]
    assert path[-1].task_sizes == (1, 1, 1)
    assert [len(row) for row in path[-1].record["accuracy"]["test"]] == [1, 2, 3]
    assert path[1].record["accuracy"]["test"] == [[1.0]]  # there is nothing to confuse it with
    assert np.unique(path[-1].synthetic[1]).tolist() == [0, 1, 2]
    assert finite(path)


def test_a_stream_of_one_task_and_zero_iterations():
    """Nothing can be forgotten, so forgetting is not a number but None; the images are the start, in range."""
    nothing = {"iterations_per_layer": 0, "full_iterations": 0}
    path = drain(experiment.run(tiny(stream={"increment": 2, "tasks": 1}, invert=nothing)))
    assert [step.verb for step in path] == ["start", "learn", "invert"]
    assert path[-1].next_verb is None
    found = report.measures(path)
    assert (found["forgetting"], found["backward_transfer"]) == (None, None)
    assert "Forgetting                   –" in report.table(found)
    assert all(layer["iterations"] == 0 for layer in path[-1].record["layers"])
    assert finite(path)
    with pytest.raises(ConfigError, match="Every task of this stream is learned"):
        drain(experiment.grow(path[-1], "learn", path[-1].config))


@pytest.mark.parametrize("class_model", ["full", "low-rank"])
def test_the_fewest_images_all_of_them_equal(tmp_path: Path, class_model: str):
    """Three images a class to learn from, one to validate, one to test; every feature is the same in all classes."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(5):
            Image.new("RGB", (8, 8), "grey").save(tmp_path / name / f"{i}.png")
    stream = {"data": f"folder:{tmp_path}", "increment": 1}
    path = drain(experiment.run(tiny(stream=stream, learn={"class_model": class_model})))
    assert path[-1].tasks_learned == 2
    assert path[-1].record["total_accuracy"]["test"][-1] == 0.5  # equal images: a guess
    assert finite(path)


@pytest.mark.parametrize("where", ["learn", "invert"])
def test_numbers_that_run_away_are_one_sentence_and_the_step_before_stays(where: str):
    path = [experiment.start(tiny())]
    hot = {"lr_first": 10.0, "readout": 100.0, "epochs_first": 5, "weight_decay": 0.1}
    if where == "invert":
        path.append(drain(experiment.grow(path[0], "learn", path[0].config)))
        hot = {"layer_lr": 10.0, "layer_alpha": 1000.0, "iterations_per_layer": 60, "alpha": 1000.0}
    before = {name: array.tobytes() for name, array in path[-1].arrays.items()}
    with pytest.raises(Diverged, match="lower “Step size") as caught:
        drain(experiment.grow(path[-1], where, tiny(**{where: hot})))
    assert "\n" not in str(caught.value)
    assert {name: array.tobytes() for name, array in path[-1].arrays.items()} == before
