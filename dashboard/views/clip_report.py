"""What the small CLIP can do and what it cannot: the numbers of its report, beside a neighbour that knows no words."""

import json
from html import escape
from typing import Any

import streamlit as st

from cl_core.datasets import ASSETS, emoji
from dashboard import markup
from dashboard.views.plot import plot
from dashboard.views.scene import framed, ink

FILE = ASSETS / "evidence" / "clip-report.json"


def panel() -> None:
    """The report that is shipped; a sentence where there is none."""
    with framed(
        "naming",
        "What can it do, and what not?",
        "Every drawing is of something, or in a style, that it was never shown. The neighbour names a drawing after "
        "the most similar one in pixels.",
    ):
        found = read()
        if found is None:
            st.caption("Not measured yet: `python -m cl_core clip-report --out assets/evidence/clip-report.json`.")
            return
        left, right = st.columns([1.35, 1], gap="large")
        with left:
            _drawings(found)
        with right:
            _clothes(found)


def read() -> dict[str, Any] | None:
    """The report, or None when there is none that can be read."""
    try:
        found = json.loads(FILE.read_text(encoding="utf-8"))
        rows = [*found["drawings"], *found["clothes"]]
        return found if all("title" in row for row in rows) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _drawings(found: dict[str, Any]) -> None:
    from dashboard.charts import naming as charts

    groups = len(emoji.read().groups)
    rows = found["drawings"]
    st.markdown(f"##### Which of {groups} groups?", anchors=False)
    figure = charts.groups(rows, 1 / groups, ink())
    plot(figure, key="naming", alt="Shares of drawings whose group is named rightly")
    st.html(
        markup.key(
            [
                (markup.line(ink().text, "solid"), "CLIP, with its 95 % interval"),
                (markup.line(ink().quiet, "solid"), "nearest in pixels"),
                (markup.line(ink().quiet, "dot"), "chance"),
            ]
        )
    )
    reached = {row["title"]: (row["clip"]["mean"], row["bar"]) for row in rows}
    reached |= {row["title"]: (row["accuracy"], row["bar"]) for row in found["clothes"]}
    missed = [f"{title} ({bar:.0%})" for title, (share, bar) in reached.items() if bar and share < bar]
    if missed:
        st.caption(f"Missed, what it was meant to reach: {', '.join(missed)}.")


def _clothes(found: dict[str, Any]) -> None:
    st.markdown("##### Photos of clothes, by their words", anchors=False)
    rows = [
        [escape(row["title"]), markup.bar(row["accuracy"], 1 / len(row["classes"]), 1.0, ink().quiet),
         markup.percent(row["accuracy"])]
        for row in found["clothes"]
    ]  # fmt: skip
    st.html(markup.table(["Which classes", "", "named rightly"], rows, numbers=(2,)))
    st.caption("The tick is chance. Supervised: it has seen photos of these classes with their names.")
    best = "\n".join(
        f"- **{row['title']}**: the very thing, of {row['candidates']}, is named rightly in "
        f"{markup.percent(row['first'])}, and among the first five in {markup.percent(row['first_five'])}."
        for row in found["drawings"]
        if "first" in row
    )
    st.markdown(best)
