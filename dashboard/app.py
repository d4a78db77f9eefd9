"""The entry: `streamlit run dashboard/app.py`. Page config and navigation, nothing else."""

import numpy  # noqa: F401  (whole before any worker thread imports torch; job.py does the same for pandas)
import streamlit as st

st.set_page_config(page_title="Inversion Lab", page_icon="◐", layout="wide", initial_sidebar_state="collapsed")

from dashboard.views import explore  # noqa: E402

st.navigation([st.Page(explore.page, title="Explore", default=True)], position="top").run()
