"""An experiment whose network knows words: what it names before it learns, and the line that learning has to beat."""

import dataclasses

import fake_core
import pytest
from test_app import open_page, texts

from cl_core.config import Config
from cl_core.presets import preset
from cl_core.snapshot import Snapshot
from cl_core.store import Store

KNOWN = {
    "accuracy": {split: [[0.5], [0.4, 0.3]] for split in ("validation", "test")},
    "total_accuracy": {"validation": [0.5, 0.35], "test": [0.6, 0.45]},
    "class_accuracy": {"validation": [0.1, 0.2, 0.8, 0.3], "test": [0.1, 0.2, 0.8, 0.3]},
}


@pytest.fixture
def path(lab: Store) -> list[Snapshot]:
    """A root that knows words, and its first task learned."""
    config = preset("clip-demo").override({"stream": {"tasks": 2, "train_per_class": 20}})
    root = fake_core.start(config)
    root = dataclasses.replace(root, record={**root.record, "zero_shot": KNOWN})
    lab.save(root)
    work = fake_core.grow(root, "learn", config, lab)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return [root, end.value]


def test_the_root_shows_what_is_known_before_anything_is_learned(path: list[Snapshot]):
    page = open_page(node=path[0].id)
    assert not page.exception
    assert "What does it know before it learns?" in texts(page)
    for words in ("<b>35\u202f%</b>", "<b>25\u202f%</b>", "best: Pullover", "<b>80\u202f%</b>"):
        assert words in texts(page)


def test_the_settings_are_those_of_its_own_backbone(path: list[Snapshot]):
    page = open_page(node=path[0].id)
    assert page.query_params["preset"] == "clip-demo"
    assert open_page(node=path[0].id, preset="quick").query_params["preset"] == "clip-demo"


def test_an_address_that_names_no_snapshot_keeps_its_preset(lab: Store):
    """Beside the finished example, whose network is another."""
    page = open_page(preset="clip-demo", learn__epochs="3")
    assert page.query_params["preset"] == "clip-demo"
    assert page.query_params["learn.epochs"] == "3"


def test_the_curves_have_the_line_to_beat(path: list[Snapshot]):
    page = open_page(node=path[1].id).run()
    assert not page.exception
    assert "all seen, by their words, nothing learned" in texts(page)
    assert "zero-shot" in page.get("plotly_chart")[0].proto.spec
    assert "What does it know before it learns?" not in texts(page)


def test_a_network_that_knows_no_words_has_neither(lab: Store):
    root = fake_core.start(Config().override({"stream": {"tasks": 2, "train_per_class": 20}}))
    lab.save(root)
    page = open_page(node=root.id)
    assert not page.exception
    assert "What does it know before it learns?" not in texts(page)
    assert "preset" not in page.query_params
