"""Pages beside: a run of another page is told there, and kept alive by that."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from test_app import texts

from dashboard.job import REGISTRY, Job, Step


def compare_page() -> None:
    import streamlit as st

    from dashboard import state
    from dashboard.views import compare

    state.enter("compare")
    st.navigation([st.Page(compare.page, title="Compare", default=True, url_path="compare")]).run()


def ab_page() -> None:
    import streamlit as st

    from dashboard import state
    from dashboard.views import ab

    state.enter("ab")
    explore = st.Page(lambda: None, title="Explore", url_path="explore")
    st.navigation([st.Page(lambda: ab.page(explore), title="A/B", default=True), explore]).run()


@pytest.fixture
def run(lab) -> Iterator[Job]:
    """A run that goes on until the test is over."""
    over = threading.Event()

    def work() -> Generator[Any, None, None]:
        yield Step("Learn task 1")
        while not over.wait(0.01):
            yield Step("Learn task 1")

    yield REGISTRY.submit("Learn task 1", work, "a-run-of-explore")
    over.set()


@pytest.mark.parametrize("script", [compare_page, ab_page])
def test_a_run_of_the_explore_page_is_told_and_asked_for(run: Job, script: Callable[[], None]):
    page = AppTest.from_function(script, default_timeout=60)
    page.session_state["addresses"] = {"explore": {"run": run.id}}
    run.last_seen = before = time.monotonic() - 100
    page.run()
    assert not page.exception
    assert "it goes on, and is to be seen on the Explore page" in texts(page)
    assert run.last_seen > before
