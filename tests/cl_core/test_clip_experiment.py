"""A CLIP as the backbone of an experiment: what it knows before it learns, what learning keeps, what a store holds."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from cl_core import backbones, datasets, experiment, measure, prompts, shapes, strategies
from cl_core.__main__ import main
from cl_core.backbones import clip_weights
from cl_core.config import Config, ConfigError, NetworkConfig
from cl_core.presets import preset
from cl_core.seeding import generator
from cl_core.snapshot import Snapshot
from cl_core.state import State
from cl_core.store import Store
from tests.cl_core.steps import done

SMALL: dict[str, dict[str, Any]] = {  # a task of trousers and sandals, one of bags and boots
    "stream": {"order": (1, 5, 8, 9), "train_per_class": 24},
    "learn": {"epochs_first": 2, "epochs": 6, "lr": 0.01, "batch_size": 16, "memory_per_class": 12},
    "invert": {"images_per_class": 4, "iterations_per_layer": 2, "full_iterations": 3},
    "machine": {"device": "cpu"},
}


def config(strategy: str = "finetune") -> Config:
    return strategies.configure(preset("clip-demo").override(SMALL), strategy)


@pytest.fixture(scope="module")
def root() -> Snapshot:
    return experiment.start(config())


@pytest.fixture(scope="module")
def finetuned(root: Snapshot) -> Snapshot:
    """Both tasks, learned without holding on to anything."""
    first = done(experiment.learn(root, config()))
    return done(experiment.learn(first, config()))


def test_before_it_learns_it_says_what_clip_says_of_prompts(root: Snapshot):
    """Adapters start as the identity: the reference is CLIP without any, asked by hand."""
    state, model = State.of(root, config()), clip_weights.build()
    test = state.stream.seen(1, "test")
    drawings = np.full((len(test), 3, 32, 32), 255, np.uint8)
    drawings[:, :, 2:30, 2:30] = 255 - test.images
    with torch.no_grad():
        texts = model.prototypes(prompts.of_stream(state.stream))
        features = torch.cat([model.encode_image(torch.tensor(p) / 255) for p in np.array_split(drawings, 8)])
    right = ((features @ texts.T).argmax(1).numpy() == test.labels).mean()
    assert root.record["zero_shot"]["total_accuracy"]["test"][-1] == pytest.approx(right, abs=1e-9)
    assert right > 0.3  # of four classes; pretraining has shown it three of them


def test_only_adapters_change_and_the_towers_are_stored_once(root: Snapshot, finetuned: Snapshot, store: Store):
    for step in (root, finetuned):
        store.save(step)
    objects = [store.read_node(step.id)["objects"] for step in (root, finetuned)]
    assert objects[0]["fixed"] == objects[1]["fixed"]
    kept = finetuned.group("model")
    assert all(".adapter." in name for name in kept)
    assert sum(array.nbytes for array in kept.values()) < 0.1 * sum(a.nbytes for a in finetuned.group("fixed").values())
    again = State.of(store.load(finetuned.id), config())
    said = measure.predict(again.network, again.stream.experience(0).test.images, again.normalise)
    right = (said.argmax(1) == again.stream.experience(0).test.labels).mean()
    assert right == pytest.approx(finetuned.record["accuracy"]["test"][1][0], abs=1e-9)


def test_replay_keeps_an_old_task_that_finetuning_forgets(root: Snapshot, finetuned: Snapshot):
    first = done(experiment.learn(root, config("replay")))
    replayed = done(experiment.learn(first, config("replay")))
    kept, lost = (leaf.record["accuracy"]["test"][1][0] for leaf in (replayed, finetuned))
    assert kept > lost + 0.2
    assert len(replayed.record["ahead"]["test"]) == 1


def test_inverted_images_have_the_size_of_the_data_and_are_replayed(root: Snapshot):
    one = config("pmi")
    first = done(experiment.learn(root, one))
    inverted = done(experiment.invert(first, one))
    images, labels = inverted.synthetic
    assert images.shape == (8, 1, 28, 28)
    assert labels.tolist() == [0] * 4 + [1] * 4
    second = done(experiment.learn(inverted, one))
    assert {"local_ce", "hard_kd", "text_kd", "balance"} <= second.record["curves"].keys()
    again = done(experiment.learn(inverted, one))
    assert all(np.array_equal(again.arrays[name], second.arrays[name]) for name in second.arrays)


def test_the_teacher_shares_the_towers_and_nothing_that_learns(root: Snapshot):
    state = State.of(root, config())
    teacher = state.network.teacher()
    own, shared = ({id(p) for p in network.parameters()} for network in (state.network, teacher))
    learned = {id(p) for part in state.network.parts("all") for p in part.parameters()}
    assert own - shared == learned
    x = torch.rand(3, 1, 28, 28, generator=generator(0))
    with torch.no_grad():
        torch.testing.assert_close(teacher(x), state.network(x))


def test_the_number_of_groups_is_known_without_the_network():
    for name in ("small-clip", "ViT-S-32-alt"):
        network = NetworkConfig(backbone="clip", clip=name, checkpoint="random")
        chain = backbones.build(network, (1, 28, 28), 1, generator(0), [["a cat"]])
        for kind in ("layers", "stages", "halves", "whole"):
            for first in (0, 1):
                assert backbones.count_groups(network, kind, first) == len(chain.groups(kind, first))


def test_classes_whose_names_it_has_never_read_are_refused_in_a_sentence():
    with pytest.raises(ConfigError, match="has never read “zyzzyva”; say it in other, simpler words"):
        backbones.build(NetworkConfig(backbone="clip"), (3, 32, 32), 1, generator(0), [["a photo of a zyzzyva"]])


def test_emoji_whose_names_it_has_never_read_are_asked_for_by_what_else_is_said_of_them():
    names = datasets.load("emoji-concepts").class_names
    order = tuple(names.index(name) for name in ("robot", "link", "camel"))
    changes = {"stream": {"data": "emoji-concepts", "order": order, "increment": 3, "train_per_class": 4}}
    begun = experiment.start(config().override(changes))
    assert begun.record["said_instead"] == {"robot": ["face", "monster"], "link": ["tool or household thing"]}
    said = State.of(begun, begun.config).network.prompts
    assert said[0][:2] == ("face", "monster")
    assert said[2][0] == "camel"
    shapes.check(begun)


def test_other_weights_are_another_experiment(root: Snapshot):
    other = dataclasses.replace(config(), network=NetworkConfig(backbone="clip", checkpoint="random"))
    assert experiment.start(other).id != root.id


def test_towers_of_another_architecture_are_refused_in_a_sentence(root: Snapshot):
    fixed = root.group("fixed")
    with pytest.raises(ConfigError, match="of another architecture than ViT-S-32-alt"):
        clip_weights.restore("ViT-S-32-alt", fixed)


def test_a_stream_of_drawing_styles_has_all_the_classes_in_each():
    changes = {"stream": {"data": "emoji", "scenario": "domain-incremental", "order": (0, 20), "tasks": 2}}
    one = config().override(changes).override({"stream": {"train_per_class": 6}, "learn": {"epochs": 1}})
    begun = experiment.start(one)
    first = done(experiment.learn(begun, one))
    second = done(experiment.learn(first, one))
    assert len(set(second.record["domains"])) == 2
    assert [len(row) for row in second.record["zero_shot"]["accuracy"]["test"]] == [1, 2]
    assert second.record["ahead"] == first.record["ahead"]  # nothing is ahead of the last task
    assert min(second.record["class_accuracy"]["test"][-1]) > 0.5  # happy faces and clocks


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("network.clip=ViT-Q-99", "There is no CLIP “ViT-Q-99”"),
        ("network.checkpoint={file}.safetensors", "cannot be read"),
        ("network.checkpoint={other}", "not one of the small CLIP"),
        ("network.adapter=0", "whole number from 1 to 512"),
    ],
)
def test_what_cannot_be_loaded_is_one_sentence_and_exit_code_2(
    setting: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    other = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, other)
    said = setting.format(file=tmp_path / "none", other=other)
    arguments = ["run", "--preset", "clip-demo", "--set", said, "--store", str(tmp_path), "--out", str(tmp_path / "o")]
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert words in told
    assert len(told.strip().splitlines()) == 1


def test_a_root_that_is_stored_is_not_asked_again(root: Snapshot, store: Store, monkeypatch: pytest.MonkeyPatch):
    store.save(root)
    monkeypatch.setattr(measure, "zero_shot_record", lambda *_: pytest.fail("It names all the images again."))
    other = config("pmi")
    known = experiment.start(other, store)
    assert (known.id, known.record, known.config) == (root.id, root.record, other)
