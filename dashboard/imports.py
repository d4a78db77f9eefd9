"""What is imported in the background while others draw, and how not to meet it half-way. No Streamlit.

Plotly takes a pandas that another thread is still importing for a whole one, and fails.
"""

import functools
import importlib
import sys
import threading

AFTER = 0.5  # seconds: the browser asks first for what the page it has just got needs


def settle() -> None:
    """Wait until no other thread is in the midst of importing pandas. Call it before figures are drawn."""
    if "pandas" in sys.modules:
        importlib.import_module("pandas")


@functools.cache
def ahead() -> None:
    """Import what LDA needs, in a thread, once for the process: the first click on it need not wait a second."""
    thread = threading.Timer(AFTER, importlib.import_module, ["sklearn.discriminant_analysis"])
    thread.daemon = True
    thread.start()
