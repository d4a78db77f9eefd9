"""What is imported in the background while others draw, and how not to meet it half-way. No Streamlit.

Plotly takes a pandas that another thread is still importing for a whole one, and fails.
"""

import contextlib
import functools
import importlib
import sys
import threading
from collections.abc import Iterator

AFTER = 0.5  # seconds: the browser asks first for what the page it has just got needs
_turn = threading.RLock()  # of whoever makes a figure or begins to import pandas


def settle() -> None:
    """Wait until no other thread is in the midst of importing pandas. Call it before figures are drawn."""
    if "pandas" in sys.modules:
        importlib.import_module("pandas")


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """While a figure is made: an import of pandas that is under way is waited for, and none is begun by `pandas`."""
    with _turn:
        settle()
        yield


def pandas() -> None:
    """Import pandas, half a second that the first screen does not need, while no figure is made."""
    with _turn:
        importlib.import_module("pandas")


@functools.cache
def ahead() -> None:
    """Import what LDA needs, in a thread, once for the process: the first click on it need not wait a second."""
    thread = threading.Timer(AFTER, _for_lda)
    thread.daemon = True
    thread.start()


def _for_lda() -> None:
    pandas()
    importlib.import_module("sklearn.discriminant_analysis")
