"""Taking it with you: the report, the steps, the zip and back; settings and seed in the address."""

import dataclasses
import io
import json
import re

import fake_core
import numpy as np
import pytest
from test_app import button, open_page, texts, until

from cl_core import presets, recipe
from cl_core.config import Config
from cl_core.snapshot import freeze
from cl_core.store import Store
from dashboard import __main__ as commands
from dashboard import library, notes, state
from dashboard.views import report

MARKS = "<script>alert(1)</script>"


@pytest.fixture
def grown(lab) -> list[str]:
    """A run with a network in each step, as exported runs have."""
    source = fake_core.grown("pmi", lab, 4)
    for step in source[1:]:
        whole = dict(step.arrays) | {"model/weight": np.ones((2, 2), np.float32)}
        (lab.path / "nodes" / f"{step.id}.json").unlink()
        lab.save(dataclasses.replace(step, arrays=freeze(whole)))
    return [step.id for step in source]


def test_the_report_is_one_file_with_everything(lab, grown):
    page = report.html(library.find(grown[-1]), grown[-1], MARKS)
    for words in ("Does it remember?", "What does it dream?", "Do dreams live", "How far off", "With which settings?"):
        assert words in page
    assert page.count("data:image/png;base64,") >= 2
    assert page.count('<div class="figure">') == 3
    assert len(re.findall(r"<script[^>]* src=", page)) == 0
    assert not re.findall(r"<link[^>]*href=", page)
    assert page.count("plotly.js v") <= 2  # once: its banner
    assert MARKS not in page
    assert "python -m cl_core run --preset" in page


def test_the_report_of_a_run_with_mixed_settings_holds_its_steps(lab):
    path = fake_core.grown("pmi", lab, 2)
    other = path[-1].config.override({"learn": {"epochs": 7}})
    for verb in ("learn", "invert", "learn"):
        config = other if verb == "learn" else path[-1].config
        work = fake_core.grow(path[-1], verb, config.override({"learn": {"epochs": 7 + len(path)}}), lab)
        while True:
            try:
                next(work)
            except StopIteration as end:
                path.append(end.value)
                break
    page = report.html(library.find(path[-1].id), path[-1].id)
    assert "What was changed on the way" in page
    assert "run --from settings.json" in page
    assert "&quot;steps&quot;" in page


def test_the_report_of_a_start_is_a_report_too(lab):
    root = fake_core.grown("pmi", lab, 0)[0]
    assert "nothing is learned yet" in report.html(library.find(root.id), root.id)


def test_the_command_report(lab, grown, tmp_path, monkeypatch, capsys):
    out = tmp_path / "deep" / "r.html"
    monkeypatch.setattr("sys.argv", ["dashboard", "report", grown[-1], "--out", str(out)])
    assert commands.main() == 0
    assert "Does it remember?" in out.read_text(encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["dashboard", "report", "abc", "--out", str(out)])
    assert commands.main() == 2
    assert "no step" in capsys.readouterr().err


def test_the_dialog_shows_the_command_and_makes_nothing_before_it_is_asked(lab, grown, monkeypatch):
    monkeypatch.setattr(report, "html", lambda *_: pytest.fail("nobody asked"))
    page = open_page(node=grown[-1]).run()
    page.button(key="share").click().run()
    assert not page.exception
    assert page.code[0].value.startswith("python -m cl_core run --preset")
    assert "Open a run that was exported" in texts(page)


def take_in(page, content: bytes) -> None:
    """Upload and open. The test driver closes a dialog at each run, so its door is opened each time."""
    page.button(key="share").click().run()
    page.file_uploader(key="import-file").upload("run.zip", content, "application/zip")
    page.button(key="share").click().run()
    page.button(key="import").click()
    page.button(key="share").click().run()


def test_a_run_goes_out_and_comes_into_an_empty_store(lab, grown, tmp_path, monkeypatch):
    from cl_core import archive

    packed = archive.pack(lab, grown[-1], {})
    page = open_page().run()
    monkeypatch.setenv("INVERSION_LAB_STORE", str(tmp_path / "elsewhere"))
    take_in(page, packed)
    assert not page.exception
    assert Store(tmp_path / "elsewhere").ids() == grown
    assert page.query_params["node"] in (grown[-1], [grown[-1]])
    for node in grown:
        assert Store(tmp_path / "elsewhere").load(node).record == lab.load(node).record


def test_a_file_that_is_no_run_is_a_sentence(lab, tmp_path):
    page = open_page().run()
    take_in(page, b"hello")
    assert not page.exception
    assert "not a run that was exported" in page.error[0].value
    assert lab.ids() == []


def test_every_setting_and_the_seed_are_in_the_address(lab):
    page = open_page(preset="demo", machine__seed="7", network__width="8", invert__tv="0.25").run()
    button(page, "New experiment").click().run()
    button(page, "Create the experiment").click().run()
    until(page, "Learn task 1")
    address = {name: value if isinstance(value, str) else value[0] for name, value in page.query_params.items()}
    assert address["machine.seed"] == "7"
    assert address["network.width"] == "8"
    assert address["invert.tv"] == "0.25"
    del address["node"]
    fresh = open_page(**{name.replace(".", "__"): value for name, value in address.items()}).run()
    button(fresh, "New experiment").click().run()
    button(fresh, "Create the experiment").click().run()
    until(fresh, "Learn task 1")
    assert fresh.query_params["node"] in (page.query_params["node"], [page.query_params["node"]])  # the same experiment


@pytest.mark.parametrize("section", ["stream", "network", "learn", "invert", "machine"])
def test_every_setting_goes_through_the_address_and_back(section):
    for preset in presets.PRESETS:
        for name, value in vars(getattr(presets.preset(preset), section)).items():
            assert state.parse(state.as_text(value), getattr(getattr(Config(), section), name)) == value


@pytest.mark.parametrize("text", ["**bold**", "<b>x</b>", "$x^2$", "[a](http://b)", ":material/delete:", "# head"])
def test_what_an_address_says_is_shown_as_it_is(lab, text):
    page = open_page(preset=text)
    assert state.plain(text) in page.warning[0].value


def test_the_steps_of_the_screen_are_those_of_the_file(lab, grown):
    path = library.find(grown[-1]).path(grown[-1])
    again = recipe.from_dict(json.load(io.StringIO(recipe.of(path).to_json())))
    step = fake_core.start(again.experiment)
    ids = [step.id]
    for verb, config in again.steps:
        step = dataclasses.replace(step, id=fake_core.step_id(step, verb, config))
        ids.append(step.id)
    assert ids == grown
    assert notes.read(lab, grown[0]) == notes.Note()
