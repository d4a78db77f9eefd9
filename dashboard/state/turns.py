"""Two places for each figure on a page, which take turns."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from plotly.graph_objects import Figure

from dashboard.state.session import keep


@dataclass
class Turns:
    """What stands in the two places, a figure and what it shows in words, and which of them is that of now."""

    places: list[tuple[Figure, str] | None] = field(default_factory=lambda: [None, None])
    now: int = 1


def take_turn(key: str, figure: Figure, alt: str) -> Turns:
    """The places of a figure: it takes that in which it stands already, or else that of the figure before the last."""
    every: dict[str, Turns] = keep("turns", {})
    turns = every.setdefault(key, Turns())
    for place in (turns.now, 1 - turns.now):
        if _same(turns.places[place], figure, alt):
            turns.now = place
            return turns
    turns.now = 1 - turns.now
    turns.places[turns.now] = (figure, alt)
    return turns


def forget_before(key: str) -> None:
    """What stands in the other place is made anew when it is wanted again."""
    turns = keep("turns", {}).get(key)
    if turns is not None:
        turns.places[1 - turns.now] = None


def end_turns() -> None:
    """Another page: what stood on the one before is not seen any more."""
    st.session_state["turns"] = {}


def _same(there: tuple[Figure, str] | None, figure: Figure, alt: str) -> bool:
    if there is None or there[1] != alt:
        return False
    one: Any = there[0]
    return one is figure or bool(one.to_dict() == figure.to_dict())
