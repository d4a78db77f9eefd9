"""The Compare page without a browser, reading of results, and the command that draws them into a file."""

import json
import shutil
import sys
from pathlib import Path

import evidence_samples
import pytest
from streamlit.testing.v1 import AppTest
from test_app import texts

from dashboard import evidence
from dashboard.__main__ import main
from dashboard.evidence import EvidenceError
from dashboard.views.scene import PROJECTED


def script() -> None:
    """As dashboard/app.py, with the Compare page alone."""
    import streamlit as st

    from dashboard import state
    from dashboard.views import compare

    state.enter("compare")
    st.navigation([st.Page(compare.page, title="Compare", default=True, url_path="compare")]).run()


def open_page(**parameters: str) -> AppTest:
    page = AppTest.from_function(script, default_timeout=60)
    for name, value in parameters.items():
        page.query_params[name] = value
    return page.run()


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab) -> Path:
    """No results shipped, and an empty folder to work in."""
    monkeypatch.setattr(evidence, "SHIPPED", tmp_path / "assets" / "evidence")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def own(kind: str) -> Path:
    """Own results where the command would write them."""
    samples = evidence_samples.written(Path("samples"))
    folder = evidence.OWN / kind
    folder.mkdir(parents=True)
    return Path(shutil.copy(samples / f"{kind}.json", folder))


def test_without_results_the_page_says_how_to_get_some():
    page = open_page()
    assert not page.exception
    assert "python -m cl_core compare" in page.info[0].value
    assert not page.get("plotly_chart")


def test_shipped_results_come_first_and_all_there_are_can_be_chosen(places):
    evidence_samples.written(evidence.SHIPPED)
    own("compare")
    page = open_page()
    assert not page.exception
    choice = page.selectbox(key="w.results")
    assert len(choice.options) == 4
    assert choice.value == "shipped/compare"
    assert "Strategies · shipped with the project" in choice.options
    assert f"Strategies · yours, in {Path('runs') / 'compare'}" in choice.options
    choice.set_value("shipped/race").run()
    assert not page.exception
    assert page.query_params["results"] in ("shipped/race", ["shipped/race"])
    assert "“the paper's PMI” after 20" in texts(page)


@pytest.mark.parametrize("kind", ["compare", "race", "ablate"])
def test_every_figure_can_be_projected(kind):
    own(kind)
    page = open_page(results=f"{kind}/{kind}", projector="1")
    assert not page.exception
    sizes = [json.loads(chart.proto.spec)["layout"]["font"]["size"] for chart in page.get("plotly_chart")]
    assert set(sizes) == {14 * PROJECTED}


def test_a_second_race_can_be_shipped_beside_the_first(places):
    evidence_samples.written(evidence.SHIPPED)
    shutil.copy(evidence.SHIPPED / "race.json", evidence.SHIPPED / "race-resnet20.json")
    assert [name for name in evidence.found() if "race" in name] == ["shipped/race", "shipped/race-resnet20"]
    page = open_page()
    assert "Race of inversions, resnet20 · shipped with the project" in page.selectbox(key="w.results").options
    page.selectbox(key="w.results").set_value("shipped/race-resnet20").run()
    assert not page.exception
    assert "“the paper's PMI” after 20" in texts(page)


@pytest.mark.parametrize(("kind", "figures"), [("compare", 6), ("race", 4), ("ablate", 2)])
def test_each_kind_has_its_sentence_figures_table_and_command(kind, figures):
    file = own(kind)
    page = open_page(results=f"{kind}/{kind}")
    assert not page.exception
    assert not page.warning
    assert len(page.get("plotly_chart")) == figures
    assert page.code[0].value == f"python -m cl_core {kind} --preset demo --seeds 0 1 2"
    assert page.code[1].value == f"python -m dashboard figure {kind} --from {file}"
    first = {
        "compare": evidence_samples.STRATEGIES,
        "race": evidence_samples.RACERS,
        "ablate": evidence_samples.CHANGES,
    }
    rows = page.dataframe[0].value
    assert len(rows) == len(first[kind]) * (len(evidence_samples.UNITS) if kind == "race" else 1)


def test_the_control_stands_beside_the_method_and_each_strategy_is_described():
    own("compare")
    told = texts(open_page())
    assert "Gaussians only, which makes no image at all" in told
    for name in ("Freezes the network after task 1", "Keeps a few real images", "the control that forgets"):
        assert name in told


def test_some_strategies_can_be_shown_alone():
    own("compare")
    page = open_page()
    page.pills(key="view.evidence-compare").set_value(["pmi", "gaussians"]).run()
    assert not page.exception
    assert list(page.dataframe[0].value["Strategy"]) == ["Layer-wise inversion", "Gaussians only"]
    assert "Layer-wise inversion ends at" in texts(page)


def test_an_address_with_results_that_are_gone_is_told_once():
    own("race")
    page = open_page(results="elsewhere/compare")
    assert "elsewhere/compare" in page.warning[0].value
    assert len(page.get("plotly_chart")) == 4
    assert not page.run().warning


BAD = {
    "no JSON": ("{", "is not the JSON"),
    "the list of an older version": ("[]", "is not the JSON"),
    "another kind": ('{"kind": "bench", "rows": []}', "the kind “bench”"),
    "no rows": ('{"kind": "race", "rows": []}', "no rows yet"),
    "a row that is none": ('{"kind": "race", "rows": [3]}', "lacks everything"),
    "a row without a column": ('{"kind": "ablate", "rows": [{"variant": "a", "seed": 0}]}', "lacks final_accuracy"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_not_what_it_should_be_is_one_sentence(case):
    content, words = BAD[case]
    file = own("compare")
    file.write_text(content, encoding="utf-8")
    with pytest.raises(EvidenceError, match=words):
        evidence.read(file)
    page = open_page()
    assert not page.exception
    assert words in page.error[0].value


def test_results_that_a_newer_program_made_are_read_with_the_strategies_it_does_not_know():
    made = evidence_samples.compare()
    made["rows"] += [made["rows"][0] | {"strategy": "tomorrow", "seed": seed} for seed in range(3)]
    own("compare").write_text(json.dumps(made), encoding="utf-8")
    page = open_page()
    assert not page.exception
    assert "tomorrow" in list(page.dataframe[0].value["Strategy"])


def drawn(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["dashboard", *arguments])
    return main()


def test_a_figure_is_a_file_that_opens_by_itself(monkeypatch, capsys):
    file = own("ablate")
    assert drawn(monkeypatch, "figure", "ablate", "--from", str(file), "--out", "made/a.html") == 0
    assert capsys.readouterr().out.strip() == str(Path("made/a.html"))
    page = Path("made/a.html").read_text(encoding="utf-8")
    assert page.count('class="figure"') == 2
    assert "python -m cl_core ablate" in page
    assert 'src="http' not in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("figure race", "cannot be read"),
        ("figure race --from runs/ablate/ablate.json", "of ablate, not of race"),
        ("figure ablate --from runs/ablate/ablate.json --out runs/ablate", "cannot be written"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence_and_exit_code_2(arguments, words, monkeypatch, capsys):
    own("ablate")
    assert drawn(monkeypatch, *arguments.split()) == 2
    said = capsys.readouterr().err.strip()
    assert words in said
    assert "\n" not in said
