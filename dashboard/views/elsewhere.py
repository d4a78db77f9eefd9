"""On a page beside Explore: what is being computed there. To ask keeps it alive, wherever the person looks."""

import streamlit as st

from dashboard import state
from dashboard.job import REGISTRY, Job

POLL = 10.0  # seconds; a job that nobody asks about for two minutes is stopped


def running() -> Job | None:
    """The run that the Explore page of this session follows, while it is active."""
    job = REGISTRY.get(state.address_of("explore").get("run", ""))
    return job if job is not None and job.active else None


def line() -> None:
    """One line on that run, polled as long as it lasts."""
    job = running()
    if job is not None:
        st.fragment(run_every=POLL)(_line)()


def _line() -> None:
    job = running()
    if job is None:
        st.rerun()
    else:
        st.caption(f":material/hourglass_top: {job.title}: it goes on, and is to be seen on the Explore page.")
