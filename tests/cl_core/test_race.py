"""The race and its judge: fair budgets, honest measures, nothing lost."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cl_core import experiment, oracle, race
from cl_core.__main__ import main
from cl_core.backbones import Backbone
from cl_core.commands.oracle import summary
from cl_core.commands.race import command_line, one_task, shared_budgets
from cl_core.config import Config
from cl_core.presets import PRESETS
from cl_core.racers import RACERS
from cl_core.state import State
from tests.cl_core.steps import done

SMALLEST = {
    "network": {"width": 8, "blocks": 1, "stem_stride": 2},
    "learn": {"epochs_first": 1, "shift": 0},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Four classes of a colour each, with some noise: easy for an oracle."""
    root, draws = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for name, colour in {
        "blue": (20, 20, 220),
        "green": (20, 220, 20),
        "red": (220, 20, 20),
        "white": (230,) * 3,
    }.items():
        (root / name).mkdir()
        for i in range(16):
            pixels = np.clip(np.array(colour) + draws.normal(0, 12, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


@pytest.fixture(autouse=True)
def smallest(monkeypatch, folder):
    monkeypatch.setitem(PRESETS, "demo", SMALLEST | {"stream": {"data": f"folder:{folder}", "increment": 2}})


@pytest.fixture(scope="module")
def course(folder) -> race.Course:
    base = Config().override(SMALLEST | {"stream": {"data": f"folder:{folder}", "increment": 2}})
    judge = done(oracle.train(base))
    own = one_task(base)
    learned = done(experiment.learn(experiment.start(own), own))
    return race.course(State.of(learned, own), judge, targets=8, seed=0, purpose="racing")


@pytest.mark.parametrize("racer", RACERS, ids=lambda racer: racer.name)
def test_a_budget_is_spent_to_the_last_pass_and_not_overspent(racer, course, monkeypatch):
    """Passes with a gradient, each counted by the share of the chain that it goes through."""
    through, passes, layers = Backbone.through, [], len(course.state.network.layers)

    def counted(self, group, x):
        if x.requires_grad:
            passes.append(len(group) / layers)
        return through(self, group, x)

    monkeypatch.setattr(Backbone, "through", counted)
    points = list(race.run(racer, racer.settings, course, [12]))
    decodes = racer.settings["start"] == "decoder"
    fit = math.ceil(len(course.knowledge.examples) / (2 * len(course.targets))) if decodes else 0  # forward only
    in_groups = racer.settings.get("iterations_per_layer", 3)
    assert [point.units for point in points] == [12]
    assert sum(passes) == pytest.approx(12 - fit)
    assert len([share for share in passes if share == 1]) == 12 - fit - in_groups


def test_a_longer_run_of_an_anytime_racer_is_never_worse(course):
    racer = next(r for r in RACERS if r.anytime)
    values = [p.measures["objective"] for p in race.run(racer, racer.settings, course, [10, 20, 40])]
    assert values == sorted(values, reverse=True)


def test_the_same_picture_many_times_has_no_variance_and_the_oracle_is_not_fooled(course):
    known = oracle_images(course)
    assert race.judge(course, known)["oracle_accuracy"] == 1.0
    same = known[:1].expand_as(known)
    found = race.judge(course, same)
    assert found["pixel_variance"] == pytest.approx(0, abs=1e-9)
    assert found["oracle_accuracy"] == 0.5  # right for the one of two classes that it shows
    assert found["objective"] > found["feature_error"] > 0


def oracle_images(course: race.Course) -> torch.Tensor:
    """A real image of each target's class."""
    train = course.state.stream.experience(0).train
    rows = [np.flatnonzero(train.labels == int(c))[i % 5] for i, c in enumerate(course.labels)]
    return torch.tensor(train.images[rows]).float() / 255


def test_tuning_for_a_larger_budget_tries_the_neighbours_of_what_the_smaller_one_found_and_nothing_twice(monkeypatch):
    adam = next(racer for racer in RACERS if racer.name == "noise, Adam")
    tried: list[tuple[float, float]] = []

    def score(racer, settings, course, units, *_):
        yield from ()
        tried.append((settings["full_lr"], settings.get("beta2")))
        return abs(settings["full_lr"] - units) + (settings.get("beta2") != 0.9)

    monkeypatch.setattr(race, "_score", score)
    first = race.tuned(adam, None, 0.3)
    assert (first["full_lr"], first["beta2"], len(tried)) == (0.3, 0.9, 7)
    tried.clear()
    assert race.tuned(adam, None, 0.8, first)["full_lr"] == 0.8
    assert tried == [(0.1, 0.9), (0.3, 0.9), (0.8, 0.9), (0.8, 0.999)]


def test_tuning_and_racing_share_no_target(course):
    other = race.course(course.state, course.oracle, targets=8, seed=0, purpose="tuning")
    assert not torch.equal(other.targets, course.targets)


def test_a_race_is_written_continued_and_never_mixed_with_another(tmp_path, capsys):
    arguments = ["race", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out"), "--targets", "4",
                 "--tune-targets", "4", "--racers", "noise, L-BFGS", "one group, decoder start"]  # fmt: skip
    assert main([*arguments, "--units", "10"]) == 0
    assert "The oracle knows" in capsys.readouterr().out
    first = json.loads((tmp_path / "out" / "race.json").read_text())
    assert {(row["racer"], row["units"]) for row in first["rows"]} == {
        ("noise, L-BFGS", 10),
        ("one group, decoder start", 10),
    }
    assert main([*arguments, "--units", "10", "12"]) == 0
    then = json.loads((tmp_path / "out" / "race.json").read_text())
    assert then["rows"][:2] == first["rows"]
    assert len(then["rows"]) == 4
    capsys.readouterr()
    assert main([*arguments, "--units", "10", "--set", "learn.epochs_first=2"]) == 2
    assert "name another folder" in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "race.json").read_text()) == then


@pytest.mark.parametrize("bad", [["--racers", "tortoise"], ["--units", "3"], ["--targets", "1"]])
def test_a_race_that_cannot_be_run_is_one_sentence(bad, tmp_path, capsys):
    assert main(["race", "--store", str(tmp_path), "--out", str(tmp_path / "out"), *bad]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_the_command_is_told_without_the_places_of_this_machine():
    words = ["race", "--store", "/somewhere/store", "--targets", "9", "--out", "/there", "--racers", "noise, Adam"]
    assert command_line(words) == "python -m cl_core race --targets 9 --racers 'noise, Adam'"


def test_budgets_that_share_their_settings():
    assert shared_budgets([400, 10, 20, 50], tuned=False) == [[10, 20, 50, 400]]
    assert shared_budgets([10, 20, 50, 100, 200], tuned=True) == [[10], [20, 50], [100, 200]]


def test_the_command_oracle_judges_the_images_of_a_run(tmp_path, capsys):
    changes = {"iterations_per_layer": 1, "full_iterations": 2, "images_per_class": 2, "synthetic": "keep"}
    settings = [word for name, value in changes.items() for word in ("--set", f"invert.{name}={value}")]
    short = ["--set", "learn.epochs=1", "--set", "learn.head_epochs=0", "--set", "learn.stage_epochs=0"]
    assert (
        main(["oracle", "--strategy", "pmi", *settings, *short, "--store", str(tmp_path), "--out", str(tmp_path / "o")])
        == 0
    )
    assert "named rightly" in capsys.readouterr().out
    found = json.loads((tmp_path / "o" / "oracle.json").read_text())
    assert [row["class"] for row in found["classes"]] == ["blue", "green", "red", "white"]
    assert found["accuracy_on_real"] == 1.0


def test_the_summary_of_what_the_oracle_said():
    found = summary(np.array([0, 1, 1, 2, 1, 1]), np.array([0, 0, 0, 2, 2, 1]), ("cat", "dog", "mug"))
    assert found["right"] == pytest.approx(3 / 6)
    assert [(row["class"], row["right"], row["taken_for"]) for row in found["classes"]] == [
        ("cat", pytest.approx(1 / 3), "dog"),
        ("dog", 1.0, None),
        ("mug", 0.5, "dog"),
    ]
