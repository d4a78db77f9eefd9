"""The page's states, without a browser and without torch: example, run, cancel, done, error, bad addresses."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import fake_core
import pytest
from streamlit.testing.v1 import AppTest

from cl_core.events import Diverged
from dashboard import library, state
from dashboard.job import REGISTRY

APP = Path(__file__).parent.parent.parent / "dashboard" / "app.py"


def open_page(**parameters: str) -> AppTest:
    page = AppTest.from_file(str(APP), default_timeout=30)
    for name, value in parameters.items():
        page.query_params[name.replace("__", ".")] = value
    return page.run()  # a browser would come again for the rest of the page


def _one(value: str | list[str]) -> str:
    return value if isinstance(value, str) else value[0]


def texts(page: AppTest) -> str:
    """Everything that is written on the page."""
    parts = [*page.markdown, *page.caption, *page.warning, *page.error, *page.title, *page.get("html")]
    return "\n".join(
        str(getattr(part, "value", "") or getattr(getattr(part, "proto", None), "body", "")) for part in parts
    )


def films(page: AppTest) -> list[Any]:
    """The films of an inversion on the page."""
    return [part for part in page.get("bidi_component") if part.proto.component_name.endswith("inversion_film")]


def drawn(page: AppTest) -> int:
    """Charts on the page, the film of an inversion among them; a chart in both of its places is one."""
    keys = {chart.proto.id.split("-", 2)[2].rpartition("-")[0] for chart in page.get("plotly_chart")}
    return len(keys) + len(films(page))


def button(page: AppTest, words: str):
    return next(b for b in page.button if words in b.label)


def labels(page: AppTest) -> list[str]:
    return [b.label for b in page.button]


def until(page: AppTest, words: str, seconds: float = 15.0) -> AppTest:
    """Poll, as a browser would, until a button with these words is there."""
    limit = time.monotonic() + seconds
    while not any(words in label for label in labels(page)):
        assert time.monotonic() < limit, f"no “{words}” among {labels(page)}; {[w.value for w in page.warning]}"
        time.sleep(0.02)
        page.run()
    assert not page.exception
    return page


def new_experiment(page: AppTest) -> AppTest:
    button(page, "New experiment").click().run()
    button(page, "Create the experiment").click().run()
    return until(page, "Learn task 1")


@pytest.fixture
def page(lab) -> AppTest:
    return open_page().run()


def test_the_first_screen_shows_the_finished_example(lab):
    page = open_page()
    assert not page.exception
    assert page.title[0].value == "Inversion Lab"
    assert len(page.get("plotly_chart")) == 1  # the first chart does not wait for the others
    page.run()
    assert drawn(page) == 6
    assert "○ Invert 5" in labels(page)
    assert "never seen by the method" in texts(page)
    assert "Does it remember?" in texts(page)


def test_without_an_example_there_is_a_sentence(lab, monkeypatch, tmp_path):
    monkeypatch.setenv("INVERSION_LAB_EXAMPLE", str(tmp_path / "nowhere"))
    page = open_page()
    assert not page.exception
    assert "build-example" in texts(page)
    new_experiment(page)


def test_a_damaged_part_of_a_snapshot_is_a_sentence(lab):
    leaf = fake_core.grown("pmi", lab, 2)[-1]
    for part in (lab.path / "objects").iterdir():
        part.write_bytes(b"nonsense")
    page = open_page(node=leaf.id).run()
    assert not page.exception
    assert "is damaged" in page.error[0].value
    assert "What next?" in texts(page)


def test_an_earlier_step_shows_that_moment(page):
    button(page, "● Learn 2").click().run()
    assert not page.exception
    assert "Invert 2" in "".join(labels(page))
    assert len(page.get("plotly_chart")) >= 3


def test_learn_invert_learn_and_run_to_the_end(page):
    new_experiment(page)
    button(page, "Learn task 1").click().run()
    until(page, "Invert after task 1")
    assert "no synthetic images at this moment" in texts(page)
    button(page, "Invert after task 1").click().run()
    until(page, "Learn task 2")
    assert drawn(page) == 6
    button(page, "Learn task 2").click().run()
    until(page, "Invert after task 2")
    button(page, "Run to the end").click().run()
    until(page, "Run the same without replay")
    assert "Every task is learned" in texts(page)
    here = page.query_params["node"]
    button(page, "Run the same without replay").click().run()
    while "run" in page.query_params:
        page.run()
    assert page.query_params["node"] == here  # the page stays; the other run appears beside
    assert "the same with Finetune" in texts(page)
    assert not page.exception


def test_another_setting_grows_a_branch(page):
    new_experiment(page)
    root = page.query_params["node"]
    button(page, "Learn task 1").click().run()
    until(page, "Invert after task 1")
    button(page, "Start").click().run()
    assert page.query_params["node"] == [root[0]] or page.query_params["node"] == root
    page.select_slider(key="w.front.learn.epochs_first").set_value(20).run()
    assert page.query_params["learn.epochs_first"] in ("20", ["20"])
    button(page, "Learn task 1").click().run()
    until(page, "Invert after task 1")
    assert labels(page).count("● Learn 1") == 2
    button(page, "Epochs, first task: 10 → **20**").click().run()
    assert "learn.epochs_first" not in page.query_params


def test_cancel_keeps_what_was_computed(page):
    new_experiment(page)
    button(page, "Learn task 1").click().run()
    until(page, "Invert after task 1")
    fake_core.behaviour.pause = 0.1
    button(page, "Run to the end").click().run()
    until(page, "Cancel run")
    button(page, "Cancel run").click().run()
    began = time.monotonic()
    until(page, "Invert after task 1")
    assert time.monotonic() - began < 2
    assert fake_core.behaviour.closed == 1
    assert "What was computed before is kept" in texts(page)


def test_a_refresh_after_a_cancel_stays_at_the_moment_that_the_address_names(page):
    new_experiment(page)
    root = page.query_params["node"]
    fake_core.behaviour.pause = 0.02
    button(page, "Run to the end").click().run()
    until(page, "Undo")
    limit = time.monotonic() + 15
    while page.query_params["node"] == root:  # until a step is made
        assert time.monotonic() < limit
        page.run()
    button(page, "Cancel run").click().run()
    until(page, "Dismiss")
    again = open_page(**{"node": _one(root), "run": _one(page.query_params["run"])})
    assert "Dismiss" in labels(again)
    assert button(again, "Learn task 1")


def test_a_run_that_ends_while_the_page_is_drawn_is_shown_to_its_end(page, monkeypatch):
    new_experiment(page)
    look = state.move_on

    def look_late(made):
        look(made)
        while (job := REGISTRY.get(state.run_id() or "")) and job.active:
            time.sleep(0.01)

    monkeypatch.setattr(state, "move_on", look_late)
    button(page, "Learn task 1").click().run()
    assert "run" not in page.query_params
    assert button(page, "Invert after task 1")


def test_an_error_is_a_sentence_with_a_folded_traceback_and_the_next_run_works(page):
    new_experiment(page)
    fake_core.behaviour.fail_at = "measure"
    fake_core.behaviour.error = Diverged("The loss became NaN; halve the step size.")
    button(page, "Learn task 1").click().run()
    until(page, "Dismiss")
    assert "halve the step size" in page.error[0].value
    assert any("Traceback" in code.value for code in page.code)
    assert not page.expander[0].proto.expanded
    fake_core.behaviour.fail_at = ""
    button(page, "Learn task 1").click().run()
    until(page, "Invert after task 1")
    assert not page.error


def test_an_unexpected_error_is_told_too(page):
    new_experiment(page)
    fake_core.behaviour.fail_at, fake_core.behaviour.error = "learn", ValueError("shapes do not match")
    button(page, "Learn task 1").click().run()
    until(page, "Dismiss")
    assert "ValueError: shapes do not match" in page.error[0].value
    button(page, "Dismiss").click().run()
    assert not page.error


def test_after_a_restart_an_experiment_goes_on_from_its_last_finished_step(page):
    """By its address, in which the run is of the program before; and by the list of experiments."""
    new_experiment(page)
    root = page.query_params["node"]
    button(page, "Learn task 1").click().run()
    until(page, "Invert after task 1")
    (node,) = page.query_params["node"] if isinstance(page.query_params["node"], list) else [page.query_params["node"]]
    for kept in (library.store_at, library._read, library._read_to_see, library._groups):
        kept.cache_clear()
    by_address = open_page(node=node, run="before")
    assert "a program that has been restarted" in texts(by_address)
    assert button(by_address, "Invert after task 1")
    by_list = open_page()
    by_list.selectbox(key="w.experiment").set_value(root if isinstance(root, str) else root[0]).run()
    until(by_list, "Invert after task 1")
    button(by_list, "Invert after task 1").click().run()
    until(by_list, "Learn task 2")


def test_a_refresh_finds_the_run_again(page):
    new_experiment(page)
    fake_core.behaviour.pause = 0.05
    button(page, "Learn task 1").click().run()
    address = {name: value if isinstance(value, str) else value[0] for name, value in page.query_params.items()}
    assert address["run"]
    again = open_page(**{name.replace(".", "__"): value for name, value in address.items()})
    assert "Cancel run" in labels(again)
    fake_core.behaviour.pause = 0.0
    until(again, "Invert after task 1")


def test_a_second_run_waits_for_the_first(page):
    new_experiment(page)
    other = new_experiment(open_page())
    fake_core.behaviour.pause = 0.05
    button(page, "Learn task 1").click().run()
    button(other, "Learn task 1").click().run()
    assert "1 run ahead of yours" in texts(other)
    fake_core.behaviour.pause = 0.0
    until(page, "Invert after task 1")
    until(other, "Invert after task 1")


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"node": "abc"}, "no step"),
        ({"run": "gone"}, "The run in the address is over"),
        ({"preset": "turbo"}, "does not exist"),
        ({"learn__epochs": "-3"}, "it must be a whole number"),
        ({"learn__epochs": "many"}, "it must be a whole number"),
        ({"learn__speed": "3"}, "There is no setting"),
        ({"learn__strategy": "magic"}, "There is no strategy"),
    ],
)
def test_a_bad_address_is_told_and_the_page_is_there(lab, parameters, told):
    page = open_page(**parameters)
    assert not page.exception
    assert told in page.warning[0].value
    page.run()  # the rest of the page
    assert told in page.warning[0].value
    assert drawn(page) == 6
    assert not page.run().warning  # told once, and taken out of the address


def test_of_two_doors_pressed_at_once_one_opens(lab):
    page = open_page().run()
    for name in ("New experiment", "Start an experiment of your own", "Export"):
        button(page, name).click()
    page.run()
    assert not page.exception
    assert "Create the experiment" in labels(page)
    button(page, "Export").click().run()
    assert not page.exception
    assert "Create the experiment" not in labels(page)
    assert "Open a run that was exported" in texts(page)


def test_settings_in_the_address_are_those_of_the_next_step(lab):
    root = fake_core.grown("pmi", lab, 0)[0]
    page = open_page(node=root.id, preset="demo", learn__epochs_first="3")
    assert not page.exception
    assert page.select_slider(key="w.front.learn.epochs_first").value == 3
    assert "**demo** with 1 change" in texts(page)


def test_two_sessions_do_not_see_each_other_s_settings_and_choices(lab):
    """Two tabs at the same moment of one experiment: what one sets, chooses and looks at is not the other's."""
    tip = fake_core.grown("pmi", lab, 1)[-1]
    first, second = (open_page(node=tip.id, preset="demo") for _ in range(2))
    before = second.select_slider(key="w.front.invert.full_iterations").value
    first.select_slider(key="w.front.invert.full_iterations").set_value("3").run()
    first.segmented_control(key="view.split").set_value("test").run()
    second.run()
    assert first.query_params["invert.full_iterations"] == "3"
    assert "invert.full_iterations" not in second.query_params
    assert second.select_slider(key="w.front.invert.full_iterations").value == before not in (3, "3")
    assert second.segmented_control(key="view.split").value == "validation"


def test_umap_is_asked_for_and_can_be_cancelled(page):
    page.segmented_control(key="view.projection").set_value("UMAP").run()
    assert "Until then, this is PCA" in texts(page)
    assert "An ellipse is the exact image" in texts(page)  # its picture stands there: nothing jumps
    button(page, "Draw the UMAP picture").click().run()
    until(page, "Cancel")
    assert "An ellipse is the exact image" in texts(page)
    button(page, "Cancel").click().run()
    until(page, "Draw the UMAP picture")
    assert not any(job.active for job in REGISTRY._jobs.values())


def test_choosing_classes_and_the_test_split_redraws_without_a_fault(page):
    page.segmented_control(key="view.split").set_value("test").run()
    page.pills(key="view.classes").set_value([0, 3]).run()
    page.segmented_control(key="view.projection").set_value("LDA").run()
    assert not page.exception
    assert "LDA is linear" in texts(page)


def test_the_first_screen_needs_nothing_heavy(lab):
    """In a process of its own: neither torch nor umap nor scikit-learn is imported for the whole first page."""
    code = (
        "import sys\nfrom streamlit.testing.v1 import AppTest\n"
        f"page = AppTest.from_file({str(APP)!r}, default_timeout=60).run().run()\n"
        "assert len(page.get('plotly_chart')) == 5 and page.get('bidi_component'), page.exception\n"
        "print(sorted({'torch', 'umap', 'numba', 'sklearn', 'altair'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=APP.parent.parent
    )
    assert done.stdout.strip() == "[]"
