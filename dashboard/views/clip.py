"""The page CLIP: words compete on pictures, what the small CLIP can do and cannot, and classes never shown."""

from pathlib import Path

import streamlit as st

from dashboard import state
from dashboard.views import clip_contest, clip_newcomer, clip_report, elsewhere

STYLE = Path(__file__).parent.parent / "style.css"


def page(explore: st.Page) -> None:
    """Draw the page. explore: where an experiment with CLIP begins."""
    st.html(STYLE)
    st.title("CLIP: pictures and words", anchor=False)
    st.html(
        '<p class="il-lede">CLIP is two networks, one for pictures and one for words, that learned to put a picture '
        "and the words that go with it in the same place. So it can name what it was never taught as a class: the "
        "nearest words win.</p>"
    )
    elsewhere.line()
    notices = st.container()
    clip_contest.panel()
    clip_newcomer.panel()
    clip_report.panel()
    for sentence in state.notices():
        notices.warning(sentence, icon=":material/info:")
