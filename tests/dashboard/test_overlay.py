"""What is laid over the forgetting curves: other strategies, branches, experiments, and what compare has measured."""

import json

import fake_core
import pytest
from test_ab import grow
from test_app import open_page, texts

from cl_core.config import Config
from dashboard import evidence
from dashboard.views import overlay


def laid(page):
    return next(one for one in page.multiselect if one.label == "Laid over it")


def test_the_example_has_its_rivals_at_once_and_what_one_ran_oneself(lab):
    grow(lab, seed=7, to=2)
    page = open_page().run()
    assert "the same with Finetune" in texts(page)
    assert "all seen, if the task of each image is told" in texts(page)
    other = next(option for option in laid(page).options if "Fashion-MNIST" in option)
    laid(page).set_value([other]).run()
    assert not page.exception
    assert other in texts(page)
    assert "the same with Finetune" not in texts(page)


def test_branches_and_other_experiments_can_be_laid_over(lab):
    path = grow(lab, to=4)
    branch = grow(lab, {}, {}, {"learn": {"epochs": 3}}, to=4)
    other = grow(lab, seed=5, to=4)
    page = open_page(node=path[-1].id).run()
    keys = [option for option in laid(page).options if "Branch" in option or "seed 5" in option]
    assert len(keys) == 2, laid(page).options
    laid(page).set_value(keys).run()
    assert not page.exception
    assert all(key in texts(page) for key in keys)
    assert {branch[-1].id, other[-1].id} <= set(page.session_state[f"view.overlay.{path[0].id}"])


@pytest.fixture
def measured(lab, tmp_path, monkeypatch):
    """Results of a comparison on the very stream of the stand-in core's runs."""
    base = Config().override(fake_core.TINY | {"learn": {"strategy": "pmi"}}).to_dict()
    rows = [
        dict.fromkeys(evidence.KINDS["compare"], 0.5)
        | {"strategy": "joint", "seed": seed, "accuracy_after_each_task": [1.0, 0.9 + seed / 100], "data_free": False}
        for seed in (0, 1)
    ]
    (tmp_path / "compare.json").write_text(json.dumps({"kind": "compare", "base": base, "split": "test", "rows": rows}))
    monkeypatch.setattr(evidence, "SHIPPED", tmp_path)
    overlay._comparison.clear()
    yield
    overlay._comparison.clear()


def test_what_compare_measured_is_laid_over_on_its_own_split(lab, measured):
    page = open_page().run()
    option = "Joint training, measured (mean of 2 seeds)"
    assert option in laid(page).options
    laid(page).set_value([option]).run()
    assert "Measured on test images" in texts(page)
    split = next(one for one in page.get("button_group") if one.label == "Accuracy on")
    split.set_value("test").run()
    assert not page.exception
    assert "Measured on test images" not in texts(page)
    assert option in texts(page)


def test_what_was_measured_on_another_stream_is_not_offered(lab, measured):
    path = grow(lab, to=2)
    page = open_page(node=path[-1].id).run()
    assert any("measured" in option for option in laid(page).options)
    config = path[0].config.override({"stream": {"train_per_class": 30}})
    root = fake_core.start(config)
    lab.save(root)
    step = fake_core.learn(root, config)
    try:
        while True:
            next(step)
    except StopIteration as end:
        lab.save(end.value)
        page = open_page(node=end.value.id).run()
    assert not any("measured" in option for option in laid(page).options)
