"""Which snapshot one looks at, and which job the page follows."""

import streamlit as st

from dashboard.state.address import parameter, set_parameter
from dashboard.state.session import keep


def selected() -> str | None:
    """The id of the snapshot one looks at."""
    return parameter("node")


def select(node_id: str | None) -> None:
    set_parameter("node", node_id)


def run_id() -> str | None:
    """The id of the job that this page follows."""
    return parameter("run")


def follow(job_id: str | None, stay: bool = False) -> None:
    """Follow a job from the snapshot one looks at now: as long as one stays at its tip, the page moves on with it.

    stay: the page does not move on, whatever the job makes.
    """
    set_parameter("run", job_id)
    st.session_state["tip"], st.session_state["shown_of_run"] = "" if stay else selected(), 0


def has_followed() -> bool:
    """Whether this session has followed a run; one that has just come, as after a refresh, has not."""
    return "tip" in st.session_state


def move_on(made: list[str]) -> None:
    """Look at the newest snapshot of the job, unless the person went to look at another one meanwhile."""
    if len(made) > shown_of_run():
        if not has_followed() or selected() == st.session_state["tip"]:
            select(made[-1])
            st.session_state["tip"] = made[-1]
        st.session_state["shown_of_run"] = len(made)


def shown_of_run() -> int:
    """How many of the job's snapshots this page has moved on to."""
    return int(keep("shown_of_run", 0))


def watch(job_id: str | None) -> None:
    """Show a job on this page, without moving on to what it makes."""
    set_parameter("run", job_id)
