"""What the pages ask of the address: the projector's mode, and what the small pages show."""

import streamlit as st

from dashboard.state import address
from dashboard.state.address import come_to, parameter, parameters, set_parameter
from dashboard.state.session import keep, tell
from dashboard.state.turns import end_turns


def enter(page: str) -> None:
    """A page is about to be drawn: "explore", "data" …"""
    if page != address.page():
        end_turns()
    _take_mode(come_to(page).get("projector"))
    set_parameter("projector", "1" if projector() else None)


# The projector: large type for a lecture room, on all pages; `projector=1` in the address.


def _take_mode(asked: str | None) -> None:
    """What the browser asks of it. Without a word, all stays as it was."""
    if asked is None:
        return
    if asked not in ("0", "1"):
        tell(f"The address asked for the projector mode “{asked}”; allowed are 0 and 1.")
    st.session_state["projector"] = asked == "1"


def projector() -> bool:
    """Whether the page is drawn for the last row of a lecture room."""
    return bool(st.session_state.get("projector", False))


def project(on: bool) -> None:
    st.session_state["projector"] = on
    set_parameter("projector", "1" if on else None)


# The Data page, and its door to a new experiment.


def data() -> str:
    """The name of the data set that the Data page shows."""
    return parameters().get("data", "fashion-mnist")


def look_at_data(name: str) -> None:
    set_parameter("data", name)


def ask_for_new(yes: bool) -> None:
    """Whether the Explore page is to open the form of a new experiment by itself."""
    st.session_state["new_asked"] = yes


def new_asked() -> bool:
    return bool(keep("new_asked", False))


# The Compare page.


def results() -> str | None:
    """The name of the results that the Compare page shows."""
    return parameter("results")


def look_at_results(name: str | None) -> None:
    set_parameter("results", name)
