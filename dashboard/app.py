"""The entry: `streamlit run dashboard/app.py`. Page config and navigation, nothing else.

A page is imported when it is first drawn, so that the first one does not wait for the others.
"""

import numpy  # noqa: F401  (whole before any worker thread imports torch; job.py does the same for pandas)
import streamlit as st

from dashboard import imports, network, state
from dashboard.views import projector

network.call_nobody()
st.set_page_config(page_title="Inversion Lab", page_icon="◐", layout="wide", initial_sidebar_state="collapsed")

imports.settle()


def _explore() -> None:
    from dashboard.views import explore

    explore.page(AB)


def _ab() -> None:
    from dashboard.views import ab

    ab.page(EXPLORE)


def _compare() -> None:
    from dashboard.views import compare

    compare.page()


def _data() -> None:
    from dashboard.views import data

    data.page(EXPLORE)


def _clip() -> None:
    from dashboard.views import clip

    clip.page(EXPLORE)


def _lessons() -> None:
    from dashboard.views import lessons

    lessons.page(EXPLORE)


EXPLORE = st.Page(_explore, title="Explore", default=True)
AB = st.Page(_ab, title="A/B", url_path="ab")
COMPARE = st.Page(_compare, title="Compare", url_path="compare")
CLIP = st.Page(_clip, title="CLIP", url_path="clip")
LESSONS = st.Page(_lessons, title="Lessons", url_path="lessons")
DATA = st.Page(_data, title="Data", url_path="data")
current = st.navigation([EXPLORE, AB, COMPARE, CLIP, LESSONS, DATA], position="top")
state.enter(current.url_path or "explore")
projector.switch()
current.run()
state.tell_browser()
