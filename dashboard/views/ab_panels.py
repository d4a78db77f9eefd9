"""What two snapshots have apart: settings, accuracies, measures, images."""

from html import escape

import streamlit as st

from cl_core import comparison
from cl_core.config import ConfigError
from cl_core.snapshot import Snapshot
from dashboard import deltas, forms, library, markup, pairs, pictures, state
from dashboard.charts import ab as charts
from dashboard.deltas import Measure, Row
from dashboard.evidence import Spread
from dashboard.pairs import Pair
from dashboard.views.plot import plot
from dashboard.views.scene import Scene, framed

COLUMNS = 10


def step_words(node: Snapshot) -> str:
    """A step as the tree calls it."""
    return "Start" if node.verb == "start" else f"{node.verb.capitalize()} {node.tasks_learned}"


def curves(pair: Pair, moment: int, scene: Scene) -> None:
    """Both branches' forgetting curves over each other."""
    reading = "A is solid, B dashed; a line a task, in bold all the classes seen. The upright line is where one looks."
    with framed("ab-forgetting", "Which remembers better?", reading):
        nodes = (pair.a.pinned, pair.b.pinned)
        figure = charts.curves(
            (scene.accuracy(nodes[0]), scene.accuracy(nodes[1])),
            (scene.totals(nodes[0]), scene.totals(nodes[1])),
            scene.task_names if pair.same_stream else [],
            scene.first_classes,
            scene.ink,
            moment if pair.moments > 1 else None,
        )
        plot(figure, key="ab-forgetting", alt="Accuracy of each task in A and in B")
        lines = [(markup.line(scene.ink.text, dash), side) for side, dash in charts.DASHES.items()]
        if pair.same_stream:
            st.html(markup.task_key(scene.task_names[: pair.moments], scene.first_classes, lines))
        else:
            st.html(markup.key(lines))
            st.caption("The two streams bring other classes task by task, so only the bold lines are drawn.")


def settings(pair: Pair, moment: int, explore: st.Page) -> None:
    """Only what differs, and the way to go on from A with B's settings."""
    a, b = pair.a.at(moment), pair.b.at(moment)
    paths = pair.a.tree.path(a.id), pair.b.tree.path(b.id)
    with framed("ab-settings", "What differs?", "Only the settings that differ, of steps that both have."):
        rows = pairs.settings(*paths)
        if rows:
            cells = [
                [forms.spec(row.section, row.field).metadata["label"], _value(row.a), _value(row.b), _when(row.tasks)]
                for row in rows
            ]
            st.html(markup.table(["Setting", "A", "B", "After task"], cells))
        else:
            st.markdown("No setting differs." if a.id != b.id else "They are the same step.")
        for side, steps in (("A", pairs.only(*paths)), ("B", pairs.only(*paths[::-1]))):
            if steps:
                st.caption(f"Steps that only {side} has: {', '.join(step_words(step) for step in steps)}.")
        if st.button(
            "Copy B’s settings to A",
            icon=":material/content_copy:",
            key="copy-settings",
            help=f"Go to A ({step_words(a)}) on the Explore page, with what B learned and inverted with in the "
            "controls of the next step. Stream, network and seed stay A’s.",
        ):
            st.switch_page(explore, query_params=state.address_to_go_on(pairs.next_settings(paths[1]), a))


def _value(value: object) -> str:
    return f"<b>{escape(forms.in_words(value))}</b>"


def _when(tasks: tuple[int, ...]) -> str:
    """() → all along; (1, 2, 3) → 1–3."""
    if not tasks:
        return "all along"
    if len(tasks) > 2 and tasks[-1] - tasks[0] == len(tasks) - 1:
        return f"{tasks[0]}–{tasks[-1]}"
    return ", ".join(map(str, tasks))


# Measures.


def measures(here: Pair, scene: Scene) -> None:
    """The deltas as a picture and as numbers, over the seeds that both branches were run with."""
    a, b = here.a.path, here.b.path
    runs = pairs.runs(a, pairs.trees_like(a)), pairs.runs(b, pairs.trees_like(b))
    rows = deltas.rows(*runs, scene.split)
    common = sorted(set(runs[0]) & set(runs[1]))
    with framed("ab-measures", "Is it more than chance?", _reading(len(common)), stretch=False):
        if not rows or not any(row.delta for row in rows):
            st.markdown("One of them has nothing measured at this moment: it has learned nothing yet.")
            return
        if len(common) > 1:
            st.caption(f"Seeds that both have: {', '.join(map(str, common))}.")
        elif not common:
            st.caption("A and B have other seeds: a part of every difference is the draw of the seed.")
        left, right = st.columns([1, 1.25], gap="large")
        with left:
            plot(charts.deltas(rows, scene.ink), key="ab-deltas", alt="B minus A of every measure")
        with right:
            st.html(markup.table(["Measure", "A", "B", "B − A", ""], [_cells(row) for row in rows], numbers=(1, 2, 3)))


def _reading(seeds: int) -> str:
    if seeds > 1:
        few = "" if seeds >= deltas.ENOUGH else " Two seeds are few: believe only what is large."
        return f"Mean of {seeds} seeds; of B − A, seed by seed, ± one standard error; beyond two it is no chance.{few}"
    return (
        "One seed: differences under 2 to 3 points are ties (the grey band). Run both again with other seeds, and the "
        "uncertainty appears here."
    )


def _cells(row: Row) -> list[str]:
    title = f'<span title="{escape(row.measure.help)}">{escape(row.measure.title)}</span>'
    sure = row.verdict.endswith(("better", "ahead"))
    apart = _apart(row.measure, row.delta)
    verdict = f"<b>{row.verdict}</b>" if sure else row.verdict
    return [
        title,
        _level(row.measure, row.a),
        _level(row.measure, row.b),
        f"<b>{apart}</b>" if sure else apart,
        verdict,
    ]


def _level(measure: Measure, found: Spread | None) -> str:
    if found is None:
        return "–"
    if measure.kind == "share":
        return f"{100 * found.mean:.1f}\u202f%".replace("-", "−")
    return {"seconds": _time, "bytes": markup.size}.get(measure.kind, "{:.2f}".format)(found.mean)


def _apart(measure: Measure, found: Spread | None) -> str:
    if found is None:
        return "–"
    if measure.kind == "share":
        return found.points()
    if measure.kind == "number":
        error = "" if found.error is None else f" ± {found.error:.2f}"
        return f"{found.mean:+.2f}{error}".replace("-", "−")
    words = {"seconds": _time, "bytes": markup.size}[measure.kind](abs(found.mean))
    return f"{'+' if found.mean > 0 else '−'}{words}" if found.mean else "0"


def _time(seconds: float) -> str:
    return f"{seconds:.1f}\u202fs" if seconds < 99.5 else f"{seconds / 60:.1f}\u202fmin"


# Images.


def images(pair: Pair, moment: int, scene: Scene) -> None:
    """Synthetic images of the same classes, A above B."""
    a, b = pair.a.at(moment), pair.b.at(moment)
    reading = "The same class from both, A above B. They are made from each one’s network and statistics alone."
    with framed("ab-images", "What does each dream?", reading, stretch=False):
        try:
            sheets = _sheets(str(pair.a.tree.store.path), a.id, str(pair.b.tree.store.path), b.id)
        except ConfigError as error:
            st.markdown(str(error))
            return
        if not sheets:
            st.markdown("Neither of them has synthetic images at this moment.")
            return
        for side, node in (("A", a), ("B", b)):
            if note := library.decoded(node):
                st.caption(f"{side}: {note}")
        for side in {"A", "B"} - {row[0] for sheet in sheets for row in sheet[1]}:
            st.caption(f"{side} has none at this moment, so those of the other stand alone.")
        figures = "".join(_figure(a.class_names[c], c, rows, source, scene.strength(c)) for c, rows, source in sheets)
        grid = "display:grid;gap:1rem 2rem;grid-template-columns:repeat(auto-fill,minmax(min(28rem,100%),1fr))"
        st.html(f'<div style="{grid}">{figures}</div>')


def _figure(name: str, c: int, rows: list[str], source: str, strength: float) -> str:
    """A class's images of both, with its name above."""
    sheet = markup.sheet(rows, [c] * len(rows), source, f"{name}: synthetic images of A above those of B")
    title = f'<div style="margin-bottom:.3rem">{markup.mark(c)} <b>{escape(name)}</b></div>'
    return f'<div style="min-width:0;opacity:{strength:g}">{title}{sheet}</div>'


@st.cache_data(max_entries=24, show_spinner=False)
def _sheets(store_a: str, a: str, store_b: str, b: str) -> list[tuple[int, list[str], str]]:
    """(class as A numbers it, what its rows are called, sheet as a data URI) of each class with images.

    A side without any image has no rows; one that lacks a class only has an empty row there, which says so.
    """
    nodes = library.look(library.Store(store_a), a), library.look(library.Store(store_b), b)
    numbers = comparison.shared_classes(*nodes)
    sides = {
        "A": comparison.synthetic_of(nodes[0], {c: c for c in numbers.values()}),
        "B": comparison.synthetic_of(nodes[1], numbers),
    }
    sides = {name: side for name, side in sides.items() if len(side[1])}
    found = []
    for c in sorted({c for _, labels in sides.values() for c in labels.tolist()}):
        images = [pictures.by_class(pictures.to_bytes(x), labels, [c], COLUMNS)[0] for x, labels in sides.values()]
        rows = [name if len(of) else f"{name}: none" for name, of in zip(sides, images, strict=True)]
        found.append((c, rows, pictures.data_uri(pictures.sheet(images, COLUMNS))))
    return found
