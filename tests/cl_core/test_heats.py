"""Heats at a moment of a stream: fair, watched on the way, cancelled, kept, and run again when they cannot be read."""

from pathlib import Path

import numpy as np
import pytest
import torch
from test_race import SMALLEST, folder  # noqa: F401  (a fixture)

from cl_core import experiment, heats, oracle, race
from cl_core.config import Config, InvertConfig
from cl_core.files import Files
from cl_core.racers import RACERS, Racer, own
from cl_core.state import State
from cl_core.store import Store, StoreError
from tests.cl_core.steps import done

UNITS = 22
OWN = own(InvertConfig(iterations_per_layer=10, full_iterations=10, optimiser="lbfgs", pixels="dct", start="decoder"))


@pytest.fixture(scope="module")
def course(folder) -> race.Course:  # noqa: F811
    """After the second task of two, all four classes seen."""
    config = Config().override(
        SMALLEST | {"stream": {"data": f"folder:{folder}", "increment": 2}}
        | {"learn": SMALLEST["learn"] | {"epochs": 1, "head_epochs": 0, "stage_epochs": 0, "strategy": "finetune"}}
    )  # fmt: skip
    node = experiment.start(config)
    for _ in range(2):
        node = done(experiment.learn(node, config))
    return race.course_of_stream(State.of(node, config), None, targets=8, seed=0, purpose="racing")


def test_a_race_at_a_moment_of_a_stream_is_for_all_the_classes_seen(course):
    assert course.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    newest = course.state.stream.experience(1).train
    assert len(course.knowledge.examples) == len(newest)  # decoders are fitted on what is still there


@pytest.mark.parametrize("racer", [*RACERS, OWN], ids=lambda racer: racer.name)
def test_a_heat_is_judged_at_the_same_moments_and_ends_at_the_whole_budget(racer, course):
    heat = done(heats.run(racer, racer.settings, course, UNITS))
    moments = [row["units"] for row in heat.rows]
    assert moments[-1] == UNITS
    assert set(moments) <= {3, 5, 7, 9, 11, 14, 16, 18, 20, 22}
    assert [row["seconds"] for row in heat.rows] == sorted(row["seconds"] for row in heat.rows)
    objectives = [row["objective"] for row in heat.rows]
    assert objectives[-1] < objectives[0]
    assert "oracle_accuracy" not in heat.rows[-1]  # nobody was there to judge
    assert heat.images.shape[:2] == (len(moments), 8)
    assert heat.labels.tolist() == course.labels.tolist()


def test_the_same_heat_twice_has_the_same_images(course):
    first, second = (done(heats.run(RACERS[0], RACERS[0].settings, course, UNITS)) for _ in range(2))
    assert np.array_equal(first.images, second.images)


def test_ones_own_settings_keep_the_share_of_their_layers():
    assert OWN.layer_share == 0.5
    assert own(InvertConfig(layer_iterations=(5, 15), full_iterations=30)).layer_share == 0.25
    assert own(InvertConfig(iterations_per_layer=50, full_iterations=0)).layer_share < 1


def test_a_heat_that_diverges_is_told(course):
    heat = done(heats.run(RACERS[0], dict(RACERS[0].settings) | {"layer_lr": 10.0, "full_lr": 10.0}, course, 60))
    assert heat.note or heat.rows
    racer = Racer("wild", dict(RACERS[3].settings))
    wild = done(heats.run(racer, dict(racer.settings) | {"full_lr": 10.0, "beta2": 0.5}, course, 60))
    for told in (heat, wild):
        assert bool(told.note) != bool(told.rows)


def test_a_cancelled_heat_leaves_the_network_as_it_was(course):
    network = course.state.network
    work = heats.run(RACERS[0], RACERS[0].settings, course, UNITS)
    next(work)
    work.close()
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_tuning_ends_where_the_race_will(course):
    """With fewer targets a decoder costs more units; the refinement is as long all the same."""
    few = race.course_of_stream(course.state, None, targets=4, seed=0, purpose="tuning")
    racer = next(racer for racer in RACERS if racer.grid and racer.settings["start"] == "decoder")
    work, events = race.tuning(racer, few, UNITS, course), []
    while True:
        try:
            events.append(next(work))
        except StopIteration as end:
            found = end.value
            break
    fit = race._fit(racer.settings, course)
    assert max(event.of for event in events if event.stage == "refine") == UNITS - fit - 2  # with the fewest at a group
    assert all(found[name] in values for name, values in racer.grid.items())
    assert [event.fraction for event in events] == sorted(event.fraction for event in events)


def test_what_is_kept_is_found_again_and_what_is_damaged_is_not(course, tmp_path):
    heat = done(heats.run(RACERS[2], RACERS[2].settings, course, UNITS))
    files, name = Files(tmp_path), heats.name_of("a0", RACERS[2], UNITS)
    assert heats.read(files, name) is None
    heats.save(files, name, heat)
    again = heats.read(files, name)
    assert again is not None
    assert again.rows == heat.rows
    assert np.array_equal(again.images, heat.images)
    assert heats.budgets(files, "a0") == [UNITS]
    assert heats.name_of("a0", RACERS[3], UNITS) != name
    content = files.read(name)
    for damaged in (b"", content[: len(content) // 2], b"PK" + content[2:][::-1]):
        files.write(name, damaged)
        assert heats.read(files, name) is None
    heats.forget(files, ["a0"])
    assert heats.budgets(files, "a0") == []


def test_a_disk_that_refuses_is_a_sentence(course, tmp_path):
    (tmp_path / "races").write_text("a file")
    heat = done(heats.run(RACERS[2], RACERS[2].settings, course, UNITS))
    with pytest.raises(StoreError, match="could not be saved"):
        heats.save(Files(tmp_path), heats.name_of("a0", RACERS[2], UNITS), heat)


def test_the_rows_that_are_shown_are_of_all_the_classes():
    labels = np.repeat([0, 1, 2], 5)
    assert labels[heats.spread_out(labels, 6)].tolist() == [0, 0, 1, 1, 2, 2]
    assert len(heats.spread_out(np.arange(20), 16)) == 16


def test_an_oracle_judges_only_if_it_is_there(folder: Path, tmp_path: Path, course):  # noqa: F811
    config, store = course.state.config, Store(tmp_path)
    assert oracle.known(config, store) is None
    done(oracle.train(config, store))
    judge = oracle.known(config, store)
    assert judge is not None
    judged = race.course_of_stream(course.state, judge, targets=8, seed=0, purpose="racing")
    assert torch.equal(judged.targets, course.targets)
    heat = done(heats.run(RACERS[2], RACERS[2].settings, judged, UNITS))
    assert heat.oracle == judge.accuracy
    assert 0 <= heat.rows[-1]["oracle_accuracy"] <= 1
