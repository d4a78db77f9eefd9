"""On a page beside: what is being computed on another. To ask keeps it alive, wherever the person looks."""

import streamlit as st

from dashboard import state
from dashboard.job import REGISTRY, Job
from dashboard.views.polling import polled

POLL = 10.0  # seconds; a job that nobody asks about for two minutes is stopped
PAGES = {"explore": "Explore", "lessons": "Lessons"}  # those that start runs


def running(page: str = "explore") -> Job | None:
    """The run that a page of this session follows, while it is active."""
    job = REGISTRY.get(state.address_of(page).get("run", ""))
    return job if job is not None and job.active else None


def line() -> None:
    """One line on each run of another page, polled as long as they last."""
    if _others():
        with st.container(key="elsewhere"):
            polled(_line, POLL)


def _others() -> list[tuple[str, Job]]:
    found = [(words, running(page)) for page, words in PAGES.items() if page != state.page()]
    return [(words, job) for words, job in found if job is not None]


def _line() -> None:
    others = _others()
    if not others:
        st.rerun()
    for words, job in others:
        st.caption(f":material/hourglass_top: {job.title}: it goes on, and is to be seen on the {words} page.")
