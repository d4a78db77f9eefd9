"""Figures on a page, each as its chart drew it (Streamlit's theme would make Plotly draw everything twice)."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from plotly.graph_objects import Figure

from dashboard import state
from dashboard.charts.style import CONFIG

_release = st.components.v2.component(
    "release", js=(Path(__file__).parent.parent / "release.js").read_text(encoding="utf-8")
)


def plot(
    figure: Figure,
    key: str,
    alt: str,
    config: dict[str, Any] = CONFIG,
    on_select: Callable[[str], None] | None = None,
) -> None:
    """A figure, with what it shows in words; on_select: hears of a choice of points, by the key of its widget.

    To Streamlit a figure that changes is another chart: it takes the old one away, and draws the new one some tenths of
    a second later. So a figure has two places, one on top of the other: the one before is seen until the new one is
    drawn in the other place, and stays there, so that to go back to it is quick.
    """
    turns = state.take_turn(key, figure, alt)
    with st.container(key=f"turns-{key}", gap=None):
        for place, there in enumerate(turns.places):
            if there is None:
                st.empty()
                continue
            name = f"{key}-{place}"
            chosen: dict[str, Any] = {"on_select": functools.partial(on_select, name)} if on_select else {}
            with st.container(key=f"turn-{name}", gap=None):
                st.plotly_chart(there[0], theme=None, config=config, key=name, alt=there[1], **chosen)
    st.html(f"<style>{_before(key, turns.now)}</style>")


def _before(key: str, now: int) -> str:
    """The style of the place that is not the one of now: over it, until there is a picture, and then left out.

    Not by what its parts inherit (visibility, pointer-events): the browser would style each point anew.
    """
    other = f".st-key-turn-{key}-{1 - now}"
    over = "position:absolute;top:0;left:0;right:0"
    deaf = f'{other}::after{{content:"";position:absolute;inset:0}}'
    # Streamlit hides a picture until it knows how wide it is, and may keep that from before, hidden, as a second child.
    picture = '> :first-child .js-plotly-plot:not([style*="visibility: hidden"]) .main-svg'
    drawn = f".st-key-turns-{key}:has(.st-key-turn-{key}-{now} {picture}) {other}"
    older = f"@supports not (content-visibility:hidden){{{drawn}{{visibility:hidden}}}}"  # browsers from before 2025
    gone = f"{drawn}{{content-visibility:hidden}}"
    return f".st-key-turns-{key}{{position:relative}}{other}{{{over}}}{deaf}{gone}{older}"


def release(place: str, times: int) -> None:
    """Let go of the points chosen in the figures within the container of this key, each time that `times` changes.

    To give the figure another key would do so too, and leave a hole in the page until it is drawn.
    """
    _release(key=f"release-{place}", data={"of": f".st-key-{place}", "times": times})
