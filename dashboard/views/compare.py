"""The page Compare: what was measured, what it says, and the command that measures it again."""

from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import evidence, exhibits, findings, imports, state, tables
from dashboard.charts import comparison, racing
from dashboard.evidence import Evidence, EvidenceError, Row, entrants
from dashboard.exhibits import Exhibit
from dashboard.palette import shape_image
from dashboard.views import elsewhere
from dashboard.views.plot import plot
from dashboard.views.scene import framed, ink

Panel = Callable[[], None]
STYLE = Path(__file__).parent.parent / "style.css"
WORDS = {
    "compare": "strategies",
    "race": "race of inversions",
    "ablate": "one setting changed at a time",
}
NOTHING = (
    "No results are here yet. `python -m cl_core compare --preset demo` compares all the strategies with three seeds "
    "and writes to `runs/compare`; `python -m cl_core race` and `python -m cl_core ablate` write theirs beside it. "
    "Come back when one of them has finished a run."
)


def page() -> None:
    """Draw the page: results shipped with the project, or one's own."""
    imports.pandas()  # the table needs it
    st.html(STYLE)
    left, right = st.columns([1.25, 1], vertical_alignment="bottom", gap="medium")
    with left:
        st.title("Compare", anchor=False)
        st.html(
            '<p class="il-lede">What was measured, with every seed: what helps, what does not, and the command that '
            "measures it again.</p>"
        )
    elsewhere.line()
    files = evidence.found()
    with right:
        name = _choice(files)
    if name is None:
        st.info(NOTHING, icon=":material/science:")
    else:
        try:
            _results(files[name], evidence.read(files[name]))
        except EvidenceError as error:
            st.error(str(error), icon=":material/error:")
    for sentence in state.notices():
        st.warning(sentence, icon=":material/info:")


def _choice(files: dict[str, Path]) -> str | None:
    """Which results: those in the address, or the first there are."""
    if not files:
        return None
    asked = state.results()
    if asked is not None and asked not in files:
        state.tell(f"The address asked for the results “{asked}”, which are not here.")
        state.look_at_results(None)
    current = asked if asked in files else next(iter(files))
    st.selectbox(
        "Results",
        list(files),
        key=state.widget("results", current),
        format_func=_words,
        on_change=state.heard(lambda: state.look_at_results(state.widget_value("results"))),
    )
    return current


def _words(name: str) -> str:
    """The name of results for people."""
    folder, stem = name.split("/")
    kind, _, which = stem.partition("-")
    where = "shipped with the project" if folder == "shipped" else f"yours, in {evidence.OWN / folder}"
    return f"{', '.join(filter(None, [WORDS[kind].capitalize(), which]))} · {where}"


def _results(file: Path, whole: Evidence) -> None:
    told = escape(findings.sentence(whole), quote=False)
    st.html(f'<p class="il-lede" style="opacity:1;max-width:86ch;margin:0">{told}</p>')
    seen = _chosen(whole)
    panels: list[Panel] = [partial(_figure, exhibit) for exhibit in exhibits.exhibits(seen)]
    if whole.kind != "ablate":
        panels.append(partial(_who_is_who, whole))
    if len(panels) % 2:  # beside the last of them
        panels.append(partial(_again, file, whole))
        _in_pairs(panels)
        _table(seen)
    else:
        _in_pairs(panels)
        _table(seen)
        _again(file, whole)


def _in_pairs(panels: list[Panel]) -> None:
    for i in range(0, len(panels), 2):
        for place, panel in zip(st.columns(2), panels[i : i + 2], strict=False):
            with place:
                panel()


def _figure(exhibit: Exhibit) -> None:
    with framed(exhibit.key, exhibit.question, exhibit.reading):
        plot(exhibit.draw(ink()), key=f"evidence-{exhibit.key}", alt=exhibit.question)


def _chosen(whole: Evidence) -> Evidence:
    """The results with what the person wants to see of them; how each is drawn stays the same."""
    if whole.kind == "ablate":
        return whole
    titles = {name: of.title for name, of in entrants(whole).items()} if whole.kind == "compare" else {}
    chosen = st.pills(
        "Show only some of them",
        whole.names,
        selection_mode="multi",
        format_func=lambda name: titles.get(name, name),
        key=state.choice(f"evidence-{whole.kind}"),
    )
    return Evidence(whole.kind, whole.facts, whole.rows, frozenset(chosen))


def _table(seen: Evidence) -> None:
    reading = "Click on a column’s title to sort by it; rest on it to read what it holds."
    with framed("evidence-table", "All the numbers", reading):
        columns, rows = tables.table(seen)
        table = [dict(zip((column.title for column in columns), row, strict=True)) for row in rows]
        st.dataframe(table, hide_index=True, column_config={column.title: _column(column) for column in columns})


def _column(column: tables.Column) -> Any:
    if column.format is None:
        return st.column_config.Column(column.title, help=column.help)
    return st.column_config.NumberColumn(column.title, help=column.help, format=column.format)


def _again(file: Path, whole: Evidence) -> None:
    """Where the numbers come from."""
    facts, machine = whole.facts, whole.facts.get("machine", {})
    with framed("evidence-again", "Measure it again", "Steps that are in the store are not computed twice."):
        st.code(str(facts.get("command", "unknown")), language="bash", wrap_lines=True)
        st.caption("The figures as a file that opens without a server:")
        st.code(f"python -m dashboard figure {whole.kind} --from {file}", language="bash", wrap_lines=True)
        seeds = f"{whole.seeds} seed{'s' if whole.seeds > 1 else ''}."
        where = f" {machine['processes']} runs at a time on {machine['cores']} cores." if machine else ""
        versions = ", ".join(f"{name} {number}" for name, number in facts.get("versions", {}).items())
        st.caption(f"{seeds}{where} {versions}")


def _who_is_who(whole: Evidence) -> None:
    """Each strategy or racer with its symbol and what it is."""
    marks = comparison.coded(whole) if whole.kind == "compare" else racing.coded(whole)
    known = entrants(whole) if whole.kind == "compare" else {}
    items = []
    for name, code in marks.items():
        sign = f'<img class="il-mark" src="{shape_image(code.symbol, code.paint(ink()))}" alt="">'
        entrant = known.get(name)
        title, about = (entrant.title, entrant.description) if entrant else (name, _groups(whole.of(name)[0]))
        words = f"<b>{escape(title)}</b> {escape(about)}"
        items.append(f'<div style="margin:.35rem 0;line-height:1.4">{sign} {words}</div>')
    with framed("evidence-who", "Who is who", "The symbols are those of the figures."):
        st.html("".join(items))


def _groups(row: Row) -> str:
    """What is known of a racer: in how many groups of layers it inverts."""
    groups = row.get("layers") or 1
    return f"{groups} groups of layers, one after the other." if groups > 1 else "The whole network at once."
