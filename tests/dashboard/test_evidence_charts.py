"""Figures, sentences and tables of evidence show the numbers that they are given."""

import dataclasses
import itertools
import math
import statistics

import evidence_samples
import pytest

from dashboard import evidence, exhibits, findings, tables
from dashboard.charts import ablation, comparison, racing
from dashboard.charts.evidence import CROSSED, LINE, Line, apart, codes, lines
from dashboard.evidence import Evidence, spread
from dashboard.palette import CLASS_COLOURS, INKS, SHAPES

INK = INKS["light"]


def sample(made: dict) -> Evidence:
    return Evidence(made["kind"], {k: v for k, v in made.items() if k != "rows"}, tuple(made["rows"]))


COMPARE, RACE, ABLATE = (
    sample(made()) for made in (evidence_samples.compare, evidence_samples.race, evidence_samples.ablate)
)


def traces(figure) -> dict:
    return {trace.name: trace for trace in figure.data}


def texts(figure) -> list[str]:
    return [note.text.replace("<b>", "").replace("</b>", "").replace("<br>", " ") for note in figure.layout.annotations]


def test_a_spread_is_mean_standard_deviation_and_error():
    found = spread([0.1, None, 0.2, 0.6])
    assert found.mean == pytest.approx(0.3)
    assert found.deviation == pytest.approx(statistics.stdev([0.1, 0.2, 0.6]))
    assert found.error == pytest.approx(found.deviation / math.sqrt(3))
    assert (spread([0.4]).deviation, spread([0.4]).certain, spread([None])) == (None, False, None)


def test_differences_are_taken_seed_by_seed():
    rows = [
        {"variant": v, "seed": s, "x": x} for v, s, x in (("a", 0, 0.5), ("a", 1, 0.9), ("b", 1, 0.8), ("b", 2, 0.1))
    ]
    found = Evidence("ablate", {}, tuple(rows)).difference("a", "b", "x")
    assert (found.mean, found.count) == (pytest.approx(0.1), 1)


def test_final_accuracy_shows_every_seed_the_mean_and_the_deviation():
    drawn = traces(comparison.final(COMPARE, INK))
    values = [row["final_accuracy"] for row in COMPARE.of("pmi")]
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    assert list(drawn["Layer-wise inversion · seeds"].x) == values
    assert drawn["Layer-wise inversion"].x[0] == pytest.approx(mean)
    assert list(drawn["Layer-wise inversion · ±"].x) == pytest.approx([mean - deviation, mean + deviation])


def test_the_best_stands_at_the_top_and_references_apart_with_symbols_of_their_own():
    figure = comparison.final(COMPARE, INK)
    drawn, known = traces(figure), evidence.entrants(COMPARE)
    heights = {name: drawn[of.title].y[0] for name, of in known.items()}
    free = sorted((name for name in known if known[name].role != "reference"), key=heights.get, reverse=True)
    means = [COMPARE.spread(name, "final_accuracy").mean for name in free]
    assert means == sorted(means, reverse=True)
    assert max(heights["replay"], heights["joint"]) < min(heights[name] for name in free)
    symbols = {name: drawn[of.title].marker.symbol for name, of in known.items()}
    assert {name for name, symbol in symbols.items() if symbol in CROSSED} == {"replay", "joint"}
    assert len(set(symbols.values())) == len(symbols)
    assert set(symbols.values()) <= set(SHAPES)


def test_gaussians_alone_are_a_line_through_all_the_rows():
    for figure, key in (
        (comparison.final(COMPARE, INK), "final_accuracy"),
        (comparison.heads(COMPARE, INK), "head_lda"),
    ):
        (line,) = figure.layout.shapes
        assert line.x0 == line.x1 == pytest.approx(COMPARE.spread("gaussians", key).mean)
    assert "Gaussians only" in texts(comparison.final(COMPARE, INK))


def test_heads_are_the_means_under_each_head():
    drawn = traces(comparison.heads(COMPARE, INK))
    for head, title in comparison.HEADS.items():
        means = {COMPARE.spread(name, f"head_{head}").mean for name in COMPARE.names}
        assert set(drawn[title].x) == means


def test_scenarios_stand_side_by_side_where_both_were_measured():
    drawn = traces(comparison.scenarios(COMPARE, INK))
    assert set(drawn["the task is told"].x) == {0.93}
    means = {COMPARE.spread(name, "final_accuracy").mean for name in COMPARE.names}
    assert set(drawn["all classes compete"].x) == means
    without = tuple({k: v for k, v in row.items() if k != "task_given_accuracy"} for row in COMPARE.rows)
    keys = [exhibit.key for exhibit in exhibits.exhibits(Evidence("compare", {}, without))]
    assert "scenarios" not in keys
    assert "final" in keys


def test_curves_are_the_means_after_each_task_with_a_band_and_a_name_at_the_end():
    figure = comparison.curves(COMPARE, INK)
    drawn = {trace.name: trace for trace in figure.data}
    steps = list(zip(*(row["accuracy_after_each_task"] for row in COMPARE.of("pmi")), strict=True))
    line = next(trace for name, trace in drawn.items() if name.startswith("Layer-wise inversion 68"))
    assert list(line.y) == pytest.approx([statistics.mean(values) for values in steps])
    band = next(trace for name, trace in drawn.items() if name.startswith("Layer-wise") and trace.fill == "toself")
    assert band.y[0] == pytest.approx(statistics.mean(steps[0]) + statistics.stdev(steps[0]))
    ends = dict(zip(texts(figure), figure.layout.annotations, strict=True))
    assert len(ends) == len(COMPARE.names)
    assert ends[next(text for text in ends if text.startswith("Finetune"))].y == pytest.approx(
        COMPARE.spread("finetune", "final_accuracy").mean
    )


def test_seconds_and_bytes_are_those_of_the_rows():
    drawn = traces(comparison.seconds(COMPARE, INK))
    rows = comparison.ranked(COMPARE)
    order = [*rows[0], *rows[1]]
    assert list(drawn["learn"].x) == pytest.approx([COMPARE.spread(name, "seconds_learn").mean for name in order])
    assert {"9.8 s", "21.0 s"} <= set(texts(comparison.seconds(COMPARE, INK)))
    assert {"nothing", "13.6\u202fMB", "157\u202fkB"} <= set(texts(comparison.kept(COMPARE, INK)))


def test_what_is_not_chosen_is_left_out_and_nothing_changes_its_look():
    some = Evidence(COMPARE.kind, COMPARE.facts, COMPARE.rows, frozenset({"pmi", "joint"}))
    whole, part = traces(comparison.final(COMPARE, INK)), traces(comparison.final(some, INK))
    assert {name for name in part if "·" not in name} == {"Layer-wise inversion", "Joint training"}
    assert part["Joint training"].marker == whole["Joint training"].marker


@pytest.mark.parametrize("against", ["units", "seconds"])
def test_the_race_is_mean_least_and_most_on_logarithmic_axes(against):
    figure = racing.objective(RACE, INK, against)
    drawn = [trace for trace in figure.data if trace.name.startswith("noise, Adam")]
    line, band = (next(t for t in drawn if t.mode == mode) for mode in ("lines+markers", "none"))
    rows = [[row for row in RACE.of("noise, Adam") if row["units"] == units] for units in evidence_samples.UNITS]
    assert list(line.y) == pytest.approx([statistics.mean(row["objective"] for row in of) for of in rows])
    assert list(line.x) == pytest.approx([statistics.mean(row[against] for row in of) for of in rows])
    most, least = band.y[: len(rows)], band.y[len(rows) :][::-1]
    assert list(most) == [max(row["objective"] for row in of) for of in rows]
    assert list(least) == [min(row["objective"] for row in of) for of in rows]
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")


def test_names_on_a_logarithmic_axis_stand_where_the_lines_end():
    figure = racing.objective(RACE, INK)
    note = next(n for n in figure.layout.annotations if "noise" in n.text)
    end = statistics.mean(row["objective"] for row in RACE.of("noise, Adam") if row["units"] == 400)
    assert (note.x, note.y) == (pytest.approx(math.log10(400)), pytest.approx(math.log10(end)))


def test_the_oracle_is_shown_beside_its_accuracy_on_real_images():
    figure = racing.oracle(RACE, INK)
    assert figure.layout.shapes[0].y0 == 0.93
    assert "real images: 93\u202f%" in texts(figure)


def test_a_racer_without_an_oracle_has_no_line_there():
    rows = tuple(row | {"oracle_accuracy": None} if row["racer"] == "noise, Adam" else row for row in RACE.rows)
    figure = racing.oracle(Evidence("race", {}, rows), INK)
    assert not [trace for trace in figure.data if trace.name.startswith("noise")]


def test_an_ablation_is_sorted_and_faint_where_it_may_be_chance():
    figure = ablation.effects(ABLATE, INK)
    drawn = list(figure.data)
    assert [trace.x[0] for trace in drawn] == sorted((trace.x[0] for trace in drawn), reverse=True)
    assert evidence.AS_IT_IS not in traces(figure)
    for trace in drawn:
        of = ABLATE.difference(trace.name, evidence.AS_IT_IS, "final_accuracy")
        assert (trace.x[0], trace.error_x.array[0]) == (pytest.approx(100 * of.mean), pytest.approx(100 * of.error))
        assert (trace.marker.symbol == "diamond") == (abs(of.mean) > 2 * of.error)
    assert {trace.marker.symbol for trace in drawn} == {"diamond", "circle"}


def test_no_colour_of_a_class_is_used():
    for results in (COMPARE, RACE, ABLATE):
        for exhibit in exhibits.exhibits(results):
            drawn = exhibit.draw(INK).to_json().lower()
            assert not [colour for colour in CLASS_COLOURS if colour.lower() in drawn]


def test_lines_are_told_apart_without_colour():
    made = codes([True, True, False, False, False], [False, False, False, True, True])
    assert len({(code.symbol, code.dash, code.shade) for code in made}) == len(made)
    assert len({code.symbol for code in made}) == len(made)


@pytest.mark.parametrize("wanted", [[0.5, 0.5, 0.5], [0.1, 0.11, 0.9], [0.9, 0.1, 0.12, 0.1, 0.14]])
def test_labels_are_moved_apart_as_little_as_needed(wanted):
    sizes = [0.1 + 0.02 * i for i in range(len(wanted))]
    places = apart(wanted, sizes)
    order = sorted(range(len(wanted)), key=lambda i: places[i])
    for a, b in itertools.pairwise(order):
        assert places[b] - places[a] >= (sizes[a] + sizes[b]) / 2 - 1e-9
        assert wanted[a] <= wanted[b]
    assert apart([0.0, 1.0], [0.1, 0.1]) == [0.0, 1.0]  # what has room stays where it is
    assert sum(places) == pytest.approx(sum(wanted), abs=0.2)


def test_the_sentence_names_the_control_and_what_the_seeds_can_show():
    told = findings.sentence(COMPARE)
    gap = COMPARE.difference("pmi", "gaussians", "final_accuracy")
    assert "Layer-wise inversion ends at" in told
    assert "Gaussians only, which makes no image at all" in told
    assert f"{abs(100 * gap.mean):.1f} ± {100 * gap.error:.1f} points fewer" in told
    assert "no difference that these seeds can show" in told  # under LDA
    better = tuple(
        row | {"final_accuracy": 0.9 + 0.01 * row["seed"]} if row["strategy"] == "pmi" else row for row in COMPARE.rows
    )
    assert "points more" in findings.sentence(Evidence("compare", COMPARE.facts, better))


def test_without_the_control_the_sentence_says_so():
    rows = tuple(row for row in COMPARE.rows if row["strategy"] != "gaussians")
    assert "“Gaussians only” is not among them" in findings.sentence(Evidence("compare", COMPARE.facts, rows))


def test_the_race_sentence_follows_the_numbers():
    told = findings.sentence(RACE)
    lowest = min(RACE.names, key=lambda n: statistics.mean(r["objective"] for r in RACE.of(n) if r["units"] == 50))
    assert told.startswith(f"After 50 units “{lowest}” has the lowest objective")
    assert "“the paper's PMI” after 20" in told
    swapped = tuple(row | {"objective": 1 / row["objective"]} for row in RACE.rows)
    assert "“the paper's PMI” has the lowest" in findings.sentence(Evidence("race", RACE.facts, swapped))


def test_the_ablation_sentence_counts_what_is_certain():
    found = ABLATE.effects("final_accuracy")
    sure = [of for of in found.values() if of.certain]
    assert 0 < len(sure) < len(found)
    told = findings.sentence(ABLATE)
    assert told.startswith(f"{len(sure)} of {len(found)} changes")
    assert "the worst is “read-out: 0”" in told


@pytest.mark.parametrize("made", [evidence_samples.compare, evidence_samples.race, evidence_samples.ablate])
def test_one_seed_has_no_deviation_and_is_drawn_and_told_all_the_same(made):
    results = sample(made(seeds=1))
    for exhibit in exhibits.exhibits(results):
        assert exhibit.draw(INKS["dark"]).data
    told = findings.sentence(results)
    assert "nan" not in told.lower()
    assert results.kind == "race" or "seed" in told


@pytest.mark.parametrize("results", [COMPARE, RACE, ABLATE], ids=lambda of: of.kind)
def test_tables_have_a_cell_for_each_column_and_the_numbers(results):
    columns, rows = tables.table(results)
    assert all(len(row) == len(columns) for row in rows)
    assert len({column.title for column in columns}) == len(columns)
    assert all(column.help for column in columns)
    cells = [dict(zip([column.title for column in columns], row, strict=True)) for row in rows]
    if results.kind == "compare":
        (pmi,) = [cell for cell in cells if cell["Strategy"] == "Layer-wise inversion"]
        assert pmi["Final %"] == pytest.approx(100 * results.spread("pmi", "final_accuracy").mean)
        assert (pmi["Kept, kB"], pmi["Data-free"], pmi["Seeds"]) == (13_600, True, 3)
    if results.kind == "race":
        assert len(cells) == len(evidence_samples.RACERS) * len(evidence_samples.UNITS)
    if results.kind == "ablate":
        (same,) = [cell for cell in cells if cell["Change"] == evidence.AS_IT_IS]
        assert (same["Δ Linear"], same["± Δ Linear"]) == (0, 0)


def test_an_html_page_holds_every_figure_and_needs_no_network():
    made = exhibits.page(RACE)
    assert made.count('class="figure"') == 4
    assert made.count("<section>") == 4
    assert 'src="http' not in made
    assert "python -m cl_core race" in made


def of_racers(count: int) -> list[Line]:
    """So many lines that end at almost the same height, with long names."""
    marks = codes([True] * count, [False] * count)
    ends = [0.02 + 1e-4 * i for i in range(count)]
    return [
        Line(f"racer {i}<br>in two lines", marks[i], [10, 400], [0.5, end], [0.4, end], [0.6, end])
        for i, end in enumerate(ends)
    ]


@pytest.mark.parametrize("count", [2, 9, 14])
@pytest.mark.parametrize("kind", ["linear", "log"])
def test_no_label_lies_over_another_however_many_there_are(count: int, kind: str):
    drawn = lines(INK, of_racers(count), {"type": "log"}, {"type": kind}, "%{y}")
    bottom, top = drawn.layout.yaxis.range
    pixel = (top - bottom) / (drawn.layout.height - 70)
    places = sorted(note.ay for note in drawn.layout.annotations)
    assert len(places) == count
    assert min(b - a for a, b in itertools.pairwise(places)) >= 0.95 * 2 * LINE * pixel


def test_where_it_is_narrow_the_names_are_below_and_the_lines_have_the_width():
    drawn = lines(dataclasses.replace(INK, narrow=True), of_racers(3), {"type": "log"}, {}, "%{y}")
    assert not drawn.layout.annotations
    assert drawn.layout.margin.r < 20
    assert [trace.name for trace in drawn.data if trace.showlegend is not False] == [
        f"racer {i} in two lines" for i in range(3)
    ]
