"""Streams of domains, and a memory of real images as large as what inversion keeps, end to end on tiny pictures."""

import dataclasses
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from cl_core import experiment, strategies
from cl_core.config import Config, ConfigError
from cl_core.presets import preset
from cl_core.seeding import generator
from cl_core.snapshot import Snapshot
from cl_core.state import beside_old_domains
from cl_core.statistics import ClassGaussians
from cl_core.stream import TaskStream

SMALL: dict[str, dict[str, Any]] = {
    "network": {"width": 8},
    "learn": {"epochs_first": 12, "epochs": 6, "balance_epochs": 2, "batch_size": 16, "class_model": "diagonal"},
    "invert": {"images_per_class": 8, "iterations_per_layer": 3, "full_iterations": 12},
}


@pytest.fixture(scope="module")
def day_and_night(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Bars lying and standing, dark on light by day and light on dark by night: 20 pictures of each."""
    root, draws = tmp_path_factory.mktemp("domains"), np.random.default_rng(0)
    for domain, (ground, ink) in {"day": (220, 40), "night": (30, 200)}.items():
        for name in ("lying", "standing"):
            folder = root / domain / name
            folder.mkdir(parents=True)
            for i in range(20):
                picture = np.full((16, 16), float(ground))
                at = draws.integers(4, 12)
                picture[at - 2 : at + 2] = ink
                picture += draws.normal(0, 10, picture.shape)
                pixels = picture if name == "lying" else picture.T
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{i}.png")
    return f"folder:{root}"


def path_of(strategy: str, **changes: dict[str, Any]) -> list[Snapshot]:
    """The whole stream under the demo's settings, made small."""
    config = strategies.configure(preset("demo").override(SMALL).override(changes), strategy)
    return drain(experiment.run(config))


def drain(steps: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def test_domains_are_learned_one_after_another_with_and_without_replay(day_and_night: str):
    stream = {"data": day_and_night, "scenario": "domain-incremental"}
    finetuned, path = path_of("finetune", stream=stream)[-1], path_of("pmi", stream=stream)
    leaf = path[-1]
    assert [s.verb for s in path] == ["start", "learn", "invert", "learn", "invert"]
    assert leaf.record["domains"] == ["day", "night"]
    assert leaf.task_sizes == (2, 2)
    assert [s.classes_seen for s in path] == [0, 2, 2, 2, 2]
    assert leaf.arrays["model/head.weight"].shape[0] == len(leaf.arrays["gaussians/mean"]) == 2
    accuracy = leaf.record["accuracy"]["test"]
    assert [len(row) for row in accuracy] == [1, 2]
    assert accuracy == leaf.record["task_accuracy"]["test"]  # all the classes compete in every task
    assert np.sum(leaf.record["confusion"]["test"]) == 2 * 2 * 3
    assert np.mean(accuracy[-1]) > 0.8
    assert [len(row) for row in finetuned.record["accuracy"]["test"]] == [1, 2]
    assert finetuned.record["accuracy"]["test"][-1][1] > 0.8
    images, labels = leaf.synthetic
    assert np.bincount(labels).tolist() == [8, 8]
    assert not np.array_equal(images, path[2].synthetic[0])  # of both domains now
    assert set(path[3].record["curves"]) >= {"local_ce", "hard_kd", "relational_kd", "balance"}
    not_inverted_yet = dataclasses.replace(path[3], tasks_learned=1)
    with pytest.raises(ConfigError, match="invert before you learn"):
        experiment.step_id(not_inverted_yet, "learn", leaf.config)


def test_a_class_model_covers_the_old_domains_too(day_and_night: str):
    stream = {"data": day_and_night, "scenario": "domain-incremental"}
    leaf = path_of("gaussians", stream=stream, learn={"statistics": "class-position"})[-1]
    alone = path_of("gaussians", stream={**stream, "tasks": 1}, learn={"statistics": "class-position"})[-1]
    assert not np.array_equal(leaf.arrays["gaussians/mean"], alone.arrays["gaussians/mean"])
    assert leaf.arrays["statistics/class0/input0/count"] == 2 * alone.arrays["statistics/class0/input0/count"]
    assert leaf.record["accuracy"]["test"][-1] == pytest.approx([1.0, 1.0], abs=0.35)


def test_each_old_domain_counts_as_much_as_the_new_one_in_a_class_model():
    draws = generator(0)
    day = torch.randn(4000, 3, generator=draws)
    old = ClassGaussians("diagonal").fit(day, torch.zeros(4000), [0])
    night = 6 + torch.randn(2000, 3, generator=draws)
    features, labels = beside_old_domains(old, night, torch.zeros(2000, dtype=torch.long), 2, seed=0)
    both = ClassGaussians("diagonal").fit(features, labels, [0])
    assert both.mean[0].tolist() == pytest.approx([2.0] * 3, abs=0.1)  # two days and a night
    assert both.covariance(0).diagonal().tolist() == pytest.approx([1 + 2 / 9 * 36] * 3, rel=0.05)


@pytest.mark.parametrize("scenario", ["class-incremental", "domain-incremental"])
def test_real_replay_of_the_same_bytes_keeps_as_much_as_inversion_and_not_an_image_more(day_and_night, scenario):
    stream = {"data": day_and_night, "scenario": scenario, "increment": 1}
    few = {"stream": stream, "invert": {"images_per_class": 1, "full_iterations": 1}}
    inverted, real = path_of("pmi", **few), path_of("replay-bytes", **few)
    inversion, memory = inverted[2].record["kept_bytes"], real[1].record["kept_bytes"]
    image = 3 * 32 * 32
    classes = real[1].classes_seen
    assert inversion - classes * image < memory <= inversion
    assert memory < inverted[2].record["replaced_bytes"]  # it is less than everything
    assert [row["what"] for row in real[1].record["kept"]] == ["real images"]
    assert not real[1].record["data_free"]
    assert not strategies.get("replay-bytes").data_free


def test_the_same_bytes_are_part_of_a_steps_identity():
    base = preset("demo").override(SMALL)
    for strategy, differs in (("replay-bytes", True), ("replay", False)):
        config = strategies.configure(base, strategy)
        root = experiment.start(config)
        more = config.override({"invert": {"images_per_class": 9}})
        found = experiment.step_id(root, "learn", config), experiment.step_id(root, "learn", more)
        assert (found[0] != found[1]) == differs


def test_a_stream_of_listed_classes_with_a_large_first_task_is_learned():
    stream = {"train_per_class": 20, "order": (9, 1, 5), "first": 2, "increment": 1}
    leaf = path_of("gaussians", stream=stream)[-1]
    assert leaf.class_names == ("Ankle boot", "Trouser", "Sandal")
    assert leaf.task_sizes == (2, 1)
    assert len(leaf.record["class_accuracy"]["test"][-1]) == 3
    assert TaskStream(leaf.config.stream, 0).class_order == (9, 1, 5)


def test_settings_saved_before_there_were_scenarios_are_read(tmp_path: Path):
    plain = Config().to_dict()
    for name in ("scenario", "first", "tasks", "order"):
        del plain["stream"][name]
    assert Config.from_dict(plain) == Config()
