"""What a button does that opens a dialog."""

from collections.abc import Callable
from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx


def come_in(dialog: Callable[..., None], *args: Any) -> None:
    """Open a dialog, or leave it where one is open: Streamlit allows one, and two presses may come in one message."""
    context = get_script_run_ctx()
    if context is None or not context.has_dialog_opened:
        dialog(*args)
