"""The form of a new experiment: presets, the first task's size, the number of tasks, the classes by number."""

import time

import pytest
from streamlit.testing.v1 import AppTest
from test_app import button, new_experiment, open_page

from cl_core import memory
from cl_core.presets import PRESETS, preset
from dashboard.views import actions


def _form() -> None:
    from dashboard.views import new_experiment

    new_experiment.dialog()


@pytest.fixture
def form(lab) -> AppTest:
    return AppTest.from_function(_form, default_timeout=30).run()


def test_first_task_tasks_and_classes_are_taken_from_the_form(form: AppTest):
    form.number_input(key="w.new.stream.first").set_value(3).run()
    form.number_input(key="w.new.stream.tasks").set_value(2).run()
    form.text_input(key="w.new.stream.order").set_value("9, 1, 2, 3, 4, 5, 6").run()
    chosen = form.session_state["new_config"].stream
    assert (chosen.first, chosen.tasks, chosen.order) == (3, 2, (9, 1, 2, 3, 4, 5, 6))
    form.segmented_control(key="w.new-preset").set_value("quick").run()  # the same classes under another preset
    assert form.session_state["new_config"].stream.order == (9, 1, 2, 3, 4, 5, 6)
    form.segmented_control(key="w.new-preset").set_value("paper-cifar100").run()  # which brings its own data
    assert form.session_state["new_config"].stream == preset("paper-cifar100").stream


def test_numbers_that_are_none_are_told_and_nothing_changes(form: AppTest):
    form.text_input(key="w.new.stream.order").set_value("boot").run()
    assert "it must be a list of whole numbers" in form.warning[0].value
    assert form.text_input(key="w.new.stream.order").value == ""


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_tells_what_it_overrides(form: AppTest, name: str):
    form.segmented_control(key="w.new-preset").set_value(name).run()
    assert not form.exception
    (told,) = [part.label for part in form.expander if part.label.startswith("What the preset")]
    assert told.startswith(f"What the preset {name} overrides (")
    assert "(0 settings)" not in told


def test_what_does_not_fit_into_memory_cannot_be_started(lab, monkeypatch):
    page = new_experiment(open_page().run())
    assert any("of memory" in caption.value for caption in page.caption)
    assert not button(page, "Learn task 1").disabled
    monkeypatch.setattr(memory, "available", lambda: 1e6)
    page.run()
    assert button(page, "Learn task 1").disabled
    assert "are free for it on this computer" in page.error[0].value


def test_a_backbone_brings_its_preset_and_its_own_settings(form: AppTest, tmp_path):
    form.number_input(key="w.new.stream.first").set_value(3).run()
    form.segmented_control(key="w.new-backbone").set_value("clip").run()
    chosen = form.session_state["new_config"]
    assert chosen.network.backbone == "clip"
    assert chosen.learn.optimiser == "adamw"
    assert chosen.stream.first == 3  # the classes stay
    assert form.text_input(key="w.new.network.clip").value == "small-clip"
    assert not [w for w in form.number_input if w.key == "w.new.network.blocks"]
    form.text_input(key="w.new.network.clip").set_value("ViT-B-32").run()
    mine = tmp_path / "my_weights.pt"
    mine.touch()
    for checkpoint, fetched in (("openai", True), (str(mine), False), ("x" * 5000, True), ("random", False)):
        form.text_input(key="w.new.network.checkpoint").set_value(checkpoint).run()
        chosen = form.session_state["new_config"].network
        assert (chosen.clip, chosen.checkpoint) == ("ViT-B-32", checkpoint)
        assert any("over the internet" in info.value for info in form.info) is fetched
        assert bool(form.toggle) is fetched
    form.segmented_control(key="w.new-backbone").set_value("resnet").run()
    assert form.session_state["new_config"].network == preset("demo").network
    assert form.number_input(key="w.new.network.blocks").value == 1


def test_other_data_is_shared_out_and_the_small_clip_leaves_out_what_it_cannot_read(form: AppTest):
    form.segmented_control(key="w.new-backbone").set_value("clip").run()
    form.selectbox(key="w.new.stream.data").set_value("emoji").run()
    assert form.session_state["new_config"].stream.increment == 7
    form.selectbox(key="w.new.stream.data").set_value("emoji-concepts").run()
    stream = form.session_state["new_config"].stream
    assert 20 < len(stream.order) < 99
    assert stream.increment == round(len(stream.order) / 5)
    assert f"the names of {len(stream.order)} of these classes" in form.warning[0].value
    form.segmented_control(key="w.new-backbone").set_value("resnet").run()
    form.selectbox(key="w.new.stream.data").set_value("fashion-mnist").run()
    stream = form.session_state["new_config"].stream
    assert (stream.order, stream.increment) == ((), 2)


def test_weights_are_fetched_only_when_a_person_has_said_so(form: AppTest, monkeypatch: pytest.MonkeyPatch):
    """A pretrained tag that an address names is asked about; and without a yes the job refuses, with the size."""
    network = {"backbone": "clip", "clip": "ViT-S-32-alt", "checkpoint": "some_tag"}
    asked: list[bool] = []
    monkeypatch.setattr(actions.work, "begin", lambda config, store, fetch: iter([asked.append(fetch)]))
    form.session_state["new_config"] = preset("clip-demo").override({"network": network})
    form.run()
    assert "is no file on this computer" in form.info[0].value
    button(form, "Create the experiment").click().run()
    form.toggle(key="may-fetch-ViT-S-32-alt-some_tag").set_value(True).run()
    button(form, "Create the experiment").click().run()
    limit = time.monotonic() + 20
    while len(asked) < 2:
        assert time.monotonic() < limit
        time.sleep(0.02)
    assert asked == [False, True]
    for here in ("random", "", __file__):
        form.session_state["new_config"] = preset("clip-demo").override({"network": network | {"checkpoint": here}})
        assert not form.run().info
