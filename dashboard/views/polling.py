"""Parts of a page that the browser asks for again by its own clock."""

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard import imports, state


def polled(draw: Callable[..., None], every: float | None, *args: Any) -> None:
    """Draw a part of the page, and again every so many seconds; None: only with the page.

    It has a container of its own. When the clock strikes while the page is on its way to the browser, Streamlit drops
    what it has not yet delivered of the fragment, and clears the place as stale: whatever stood beside it in the same
    container would move up into that place, and be overwritten.
    """

    @functools.wraps(draw)
    def drawn(*args: Any) -> None:
        imports.settle()
        state.tell_browser()
        draw(*args)

    with st.container():
        st.fragment(run_every=every)(drawn)(*args)
