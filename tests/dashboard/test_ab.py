"""The page A/B: what is compared, the deltas of records made by hand, the charts' numbers, and the page's states."""

import dataclasses
import time

import fake_core
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from test_app import button, drawn, labels, open_page, texts

from cl_core import comparison
from cl_core.comparison import Comparison
from cl_core.config import Config
from cl_core.snapshot import Snapshot, freeze
from cl_core.store import Store
from dashboard import deltas, job, pairs
from dashboard.charts import ab as charts
from dashboard.deltas import Measure, Row
from dashboard.evidence import spread
from dashboard.library import Tree
from dashboard.pairs import Pair, Side
from dashboard.palette import INKS

INK = INKS["light"]


def grow(store: Store, *changes: dict, seed: int = 0, to: int = 99) -> list[Snapshot]:
    """A branch by the stand-in core: step i under the i-th change, the last one from there on."""
    base = Config().override(fake_core.TINY | {"learn": {"strategy": "pmi"}, "machine": {"seed": seed}})
    path = [fake_core.start(base)]
    store.save(path[0])
    while (verb := path[-1].next_verb) is not None and len(path) <= to:
        change = changes[min(len(path) - 1, len(changes) - 1)] if changes else {}
        work = fake_core.grow(path[-1], verb, base.override(change), None)
        try:
            while True:
                next(work)
        except StopIteration as end:
            path.append(with_network(end.value))
            store.save(path[-1])
    return path


def with_network(step: Snapshot) -> Snapshot:
    """The stand-in core makes none."""
    arrays = dict(step.arrays) | {"model/weight": np.zeros(3, np.float32)}
    return dataclasses.replace(step, arrays=freeze(arrays))


def side(store: Store, path: list[Snapshot], at: int = -1) -> Side:
    return Side(Tree(store, {step.id: step for step in path}, False), path[at])


# What is compared.


def test_equal_moments_of_branches_of_other_lengths(store):
    a, b = grow(store, to=6), grow(store, {"learn": {"epochs": 3}}, to=3)
    pair = Pair(side(store, a), side(store, b))
    assert pair.moments == 3
    assert [pair.a.at(t).id for t in (1, 2, 3)] == [a[2].id, a[4].id, a[6].id]
    assert [pair.b.at(t).id for t in (1, 2, 3)] == [b[2].id, b[3].id, b[3].id]
    assert pair.same_stream
    assert pair.same_seed


def test_the_common_ancestor_has_learned_something(store):
    a, b = grow(store, to=4), grow(store, {}, {}, {"learn": {"epochs": 3}}, to=4)
    assert [x.id == y.id for x, y in zip(a, b, strict=True)] == [True, True, True, False, False]
    assert pairs.common(a, b).id == a[2].id
    assert pairs.network_of(a[:3]).id == a[1].id  # the inversion left the network as it was
    other = grow(store, {"learn": {"epochs_first": 3}}, to=2)
    assert pairs.common(a, other) is None  # the start has learned nothing
    assert pairs.network_of(a[:1]) is None


def test_only_the_settings_that_differ_and_that_their_step_makes_use_of(store):
    a = grow(store, to=5)
    b = grow(store, {}, {}, {"learn": {"epochs": 3}, "invert": {"full_iterations": 7}}, to=4)
    rows = pairs.settings(a, b)
    assert [(row.section, row.field, row.b, row.tasks) for row in rows] == [
        ("learn", "epochs", 3, (2,)),
        ("invert", "full_iterations", 7, (2,)),
    ]
    assert [step.tasks_learned for step in pairs.only(a, b)] == [3]
    assert pairs.settings(a, a) == []
    seeds = pairs.settings(a, grow(store, seed=4, to=3))
    assert [(row.field, row.a, row.b, row.tasks) for row in seeds] == [("seed", 0, 4, ())]


def test_what_a_branch_would_go_on_with(store):
    path = grow(store, {"learn": {"epochs_first": 3}}, {"invert": {"full_iterations": 7}}, to=2)
    config = pairs.next_settings(path)
    assert (config.learn.epochs_first, config.invert.full_iterations) == (3, 7)


def test_runs_with_other_seeds_are_found_and_nothing_else(lab):
    path = grow(lab, to=3)
    twin = grow(lab, seed=1, to=3)
    grow(lab, seed=2, to=2)  # not as far
    grow(lab, {"learn": {"epochs_first": 3}}, seed=3, to=3)  # another setting
    found = pairs.runs(path, pairs.trees_like(path))
    assert {seed: run[-1].id for seed, run in found.items()} == {0: path[-1].id, 1: twin[-1].id}


# Deltas.


def made(snapshot: Snapshot, id: str, rows: list[list[float]], seconds: float = 1.0, **record: object) -> Snapshot:
    told = {
        "accuracy": {"test": rows},
        "task_accuracy": {"test": rows},
        "total_accuracy": {"test": [float(np.mean(row)) for row in rows]},
        "heads": {"linear": {"test": [float(np.mean(row)) for row in rows]}},
        "seconds": {"total": seconds},
        "kept_bytes": 1000,
        "alignment": [{"frechet": 3.0, "floor": 1.5, "cosine": 0.9}, {"frechet": 1.0, "floor": 1.0, "cosine": 0.7}],
    }
    return dataclasses.replace(snapshot, id=id, tasks_learned=len(rows), record=told | record)


def test_the_measures_of_a_record_made_by_hand(make_snapshot):
    node = made(make_snapshot(), "b1", [[0.9], [0.5, 0.8]], seconds=4.0)
    found = deltas.measured([make_snapshot(), node], "test")
    assert found["final"] == pytest.approx(0.65)
    assert found["average"] == pytest.approx((0.9 + 0.65) / 2)
    assert found["forgetting"] == pytest.approx(0.4)
    assert found["transfer"] == pytest.approx(-0.4)
    assert found["head linear"] == pytest.approx(0.65)
    assert found["head lda"] is None
    assert found["distance"] == pytest.approx((2 + 1) / 2)
    assert found["cosine"] == pytest.approx(0.8)
    assert (found["seconds"], found["bytes"]) == (4.0, 1000)
    assert set(deltas.measured([make_snapshot()], "validation").values()) == {None}


def test_differences_are_paired_by_seed_with_their_standard_error(make_snapshot):
    accuracy = {0: (0.5, 0.6), 1: (0.7, 0.82), 2: (0.6, 0.68), 7: (0.1, None)}
    a = {seed: [made(make_snapshot(), f"a{seed}", [[x]])] for seed, (x, _) in accuracy.items()}
    b = {seed: [made(make_snapshot(), f"b{seed}", [[y]])] for seed, (_, y) in accuracy.items() if y is not None}
    row = next(row for row in deltas.rows(a, b, "test") if row.measure.key == "final")
    assert row.delta.count == 3  # seed 7 was run for A alone
    assert row.delta.mean == pytest.approx(0.1)
    assert row.delta.error == pytest.approx(0.02 / 3**0.5)
    assert row.a.mean == pytest.approx(0.6)
    assert row.verdict == "B better"


@pytest.mark.parametrize(
    ("kind", "more", "values", "verdict"),
    [
        ("share", True, [0.02], "a tie"),
        ("share", True, [-0.05], "A ahead"),
        ("share", False, [-0.05], "B ahead"),  # less forgetting
        ("share", True, [0.05, 0.07], "B ahead"),  # two seeds are few
        ("share", True, [0.05, -0.04, 0.01], "within the noise"),
        ("share", True, [-0.05, -0.06, -0.05], "A better"),
        ("number", True, [0.3], "few seeds"),
        ("seconds", False, [3.0], "A less"),
        ("bytes", False, [0.0], "the same"),
        ("share", True, [], ""),
    ],
)
def test_what_may_be_said_of_a_difference(kind, more, values, verdict):
    assert Row(Measure("x", "X", "", kind, more), None, None, spread(values)).verdict == verdict


# Charts.


def comparison_of(seen: int = 2) -> Comparison:
    """Real classes about (±3, 0); A's images near them, B's far to the right."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(seen), 30)
    real = rng.normal(0, 1, (len(labels), 5)) + np.outer(labels * 6 - 3, np.eye(5)[0])
    few = np.repeat(np.arange(seen), 4)
    a = rng.normal(0, 1, (len(few), 5)) + np.outer(few * 6 - 3, np.eye(5)[0])
    rows = {"a": [{"class": 0, "images": 4, "frechet": 2.0, "floor": 1.0, "cosine": 0.9}], "b": []}
    return Comparison("ab12", real, labels, np.array([0.6, 0.3, 0.1]), a, few, a + 40, few, rows)


def test_both_sides_have_the_same_axes_and_colours():
    of = comparison_of()
    left, right = (charts.space(of, letter, ["cat", "mug"], INK) for letter in "AB")
    assert left.layout.xaxis.range == right.layout.xaxis.range
    assert left.layout.yaxis.range == right.layout.yaxis.range
    assert left.layout.xaxis.range[0] < of.real[:, 0].min()
    assert left.layout.xaxis.range[1] > of.b[:, 0].max()  # also where only the other side has points
    real = [figure.data[0] for figure in (left, right)]
    assert np.array_equal(real[0].x, real[1].x)
    assert real[0].marker.color == real[1].marker.color
    assert [figure.data[1].marker.symbol[0] for figure in (left, right)] == ["circle-open", "circle-open"]


def test_a_side_without_images_shows_the_real_ones_alone():
    of = dataclasses.replace(comparison_of(), b=np.zeros((0, 5)), b_labels=np.zeros(0, np.int64))
    assert [trace.name for trace in charts.space(of, "B", ["cat", "mug"], INK).data if trace.mode == "markers"] == [
        "real"
    ]


def test_forgetting_curves_are_drawn_over_each_other():
    a, b = [[0.9], [0.5, 0.8]], [[0.8]]
    figure = charts.curves((a, b), ([0.9, 0.65], [0.8]), ["1 · cat", "2 · mug"], [0, 1], INK, moment=2)
    assert [(t.name, t.line.dash) for t in figure.data] == [
        ("A · 1 · cat", "solid"), ("A · 2 · mug", "solid"), ("B · 1 · cat", "dash"), ("A", "solid"), ("B", "dash"),
    ]  # fmt: skip
    assert figure.data[0].marker.color == figure.data[2].marker.color
    assert [note.text for note in figure.layout.annotations] == ["<b>A</b> 65%", "<b>B</b> 80%"]
    assert figure.layout.shapes[0].x0 == 2
    assert len(charts.curves((a, b), ([0.9, 0.65], [0.8]), [], [0, 1], INK).data) == 2  # other streams: the sums alone


def test_deltas_in_points_with_the_band_of_one_seed():
    share = Measure("x", "X", "", "share", True)
    one = charts.deltas([Row(share, None, None, spread([-0.05]))], INK)
    assert list(one.data[0].x) == [-5.0]
    assert (one.layout.shapes[1].x0, one.layout.shapes[1].x1) == (-3.0, 3.0)
    assert one.layout.xaxis.range[0] < -5 < 5 < one.layout.xaxis.range[1]
    many = charts.deltas([Row(share, None, None, spread([0.05, 0.07, 0.06]))], INK)
    assert many.data[0].error_x.array[0] == pytest.approx(1 / 3**0.5)
    assert len(many.layout.shapes) == 1  # with seeds, the bars say it


# The page.


def page_of(**parameters: str) -> AppTest:
    """The page A/B, as a browser opens it by its address."""
    page = AppTest.from_function(_page, default_timeout=30)
    for name, value in parameters.items():
        page.query_params[name] = value
    return page.run()


def _page() -> None:
    import streamlit as st

    from dashboard import state
    from dashboard.views import ab

    state.enter("ab")
    ab.page(st.Page(lambda: None, title="Explore", url_path="explore"))


def charts_on(page: AppTest) -> int:
    assert not page.exception
    return drawn(page)


def settled(page: AppTest, count: int) -> AppTest:
    """Run until so many charts are there; a job may be under way."""
    limit = time.monotonic() + 15
    while charts_on(page.run()) != count:
        assert time.monotonic() < limit, texts(page)
        time.sleep(0.02)
    return page


@pytest.fixture
def quick_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparisons that need no torch."""

    def fake(a: Snapshot, b: Snapshot, lender: Snapshot) -> Comparison:
        return dataclasses.replace(comparison_of(2 * max(a.tasks_learned, b.tasks_learned)), lender=lender.id)

    monkeypatch.setattr(comparison, "compare", fake)


def test_without_pins_the_example_is_compared(lab):
    page = page_of()
    assert charts_on(page) == 2
    assert "What differs?" in texts(page)
    assert "without its networks" in texts(page)  # its features cannot be set beside each other, and it says so
    assert "One seed" in texts(page)
    assert "B has none at this moment" in texts(page)  # finetune makes no images


def test_without_anything_there_is_a_sentence(lab, monkeypatch, tmp_path):
    monkeypatch.setenv("INVERSION_LAB_EXAMPLE", str(tmp_path / "nowhere"))
    page = page_of()
    assert charts_on(page) == 0
    assert "nothing to compare yet" in " ".join(i.value for i in page.info)
    fake_core.grown("pmi", lab, 0)
    page = page_of()
    assert charts_on(page) == 0
    assert "Nothing is learned" in " ".join(i.value for i in page.info)


@pytest.fixture
def two(lab) -> tuple[list[Snapshot], list[Snapshot]]:
    """Two branches of one experiment that part after the first inversion."""
    return grow(lab, to=4), grow(lab, {}, {}, {"learn": {"epochs": 3}}, to=4)


def test_two_branches_with_features_by_their_common_ancestor(two, quick_compare):
    a, b = two
    page = settled(page_of(a=a[-1].id, b=b[-1].id), 4)
    assert "common ancestor (Learn 1)" in str(page.get("button_group"))
    assert "are those of the network of common ancestor (Learn 1)" in texts(page)
    assert "Epochs" in texts(page)
    page.select_slider[0].set_value(1).run()
    assert page.query_params["after"] in ("1", ["1"])
    assert "the same step" in " ".join(i.value for i in page.info)
    assert charts_on(page) == 2


def test_inversions_of_one_network_need_no_job(lab, monkeypatch):
    monkeypatch.setattr(comparison, "compare", None)  # nobody may call it
    a, b = grow(lab, to=2), grow(lab, {}, {"invert": {"full_iterations": 7}}, to=2)
    same = {name: a[-1].arrays[name] for name in ("view/real", "view/real_labels")}  # as the real core would have it
    leaf = dataclasses.replace(b[-1], id="ab12", arrays=freeze(dict(b[-1].arrays) | same))
    lab.save(leaf)
    page = page_of(a=a[-1].id, b=leaf.id)
    assert charts_on(page) == 4
    assert not [known for known in job.REGISTRY._jobs.values() if known.active]


def test_seeds_give_an_uncertainty(lab, quick_compare):
    change = ({}, {}, {"learn": {"epochs": 3}})
    for seed in (1, 2):
        grow(lab, seed=seed, to=3)
        grow(lab, *change, seed=seed, to=3)
    a, b = grow(lab, to=3), grow(lab, *change, to=3)
    page = page_of(a=a[-1].id, b=b[-1].id)
    assert "Seeds that both have: 0, 1, 2" in texts(page)
    assert "Mean of 3 seeds" in texts(page)


def test_b_s_settings_go_to_a(two, quick_compare, monkeypatch):
    import streamlit as st

    gone = {}
    monkeypatch.setattr(st, "switch_page", lambda page, query_params: gone.update(query_params))
    a, b = two
    page = settled(page_of(a=a[-2].id, b=b[-1].id), 4)
    button(page, "Copy B").click().run()
    assert (gone["node"], gone["learn.epochs"]) == (a[-2].id, "3")
    assert "stream.train_per_class" in gone
    again = open_page(**{name.replace(".", "__"): text for name, text in gone.items()}).run()
    assert not again.exception
    assert "Epochs" in " ".join(labels(again))  # what differs from the preset, each with a way back


def test_a_failed_comparison_is_a_sentence(two, monkeypatch):
    def broken(*_: Snapshot) -> Comparison:
        raise comparison.StoreError("The disk is full.")

    monkeypatch.setattr(comparison, "compare", broken)
    page = page_of(a=two[0][-1].id, b=two[1][-1].id)
    limit = time.monotonic() + 15
    while "The disk is full" not in texts(page):
        assert time.monotonic() < limit
        page.run()
    assert charts_on(page) == 2


def test_bad_addresses_are_told(two, quick_compare):
    page = page_of(a="ffff", b=two[1][-1].id, after="99", network="mine")
    assert "There is no step" in texts(page)
    assert "99" in texts(page)
    assert "mine" in texts(page)


def test_pins_on_the_explore_page(two):
    a, _ = two
    page = open_page(node=a[-1].id).run()
    assert not page.get("page_link")
    button(page, "Pin as A").click().run()
    assert button(page, "Pinned as A").disabled
    assert len(page.get("page_link")) == 1
    assert page.session_state["addresses"]["ab"] == {"a": a[-1].id}
    assert "a" not in page.query_params
