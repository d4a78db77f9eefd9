"""The CLIP page: its pictures, and the names that compete on them.

In the address: `pictures` (their kind), `draw` (which of them), `names` (one a line) and `as_is` (no sentences).
"""

from typing import Any

import numpy as np
import streamlit as st

from dashboard.state.pages import set_parameter
from dashboard.state.session import keep, tell

MOST_TEXT = 5000  # characters of the names
MOST_DRAWS = 1_000_000


def pictures(kinds: list[str]) -> str:
    """The kind of pictures that one looks at, one of `kinds`."""
    asked = st.query_params.get("pictures", kinds[0])
    if asked in kinds:
        return asked
    st.query_params.pop("pictures", None)
    tell(f"The address asked for pictures “{asked}”, which there are not.")
    return kinds[0]


def look_at_pictures(kind: str) -> None:
    set_parameter("pictures", kind)


def draw() -> int:
    """Which of the pictures of a kind: 0 the first ones."""
    text = st.query_params.get("draw", "0")
    if text.isdecimal() and len(text) < 8 and int(text) < MOST_DRAWS:
        return int(text)
    st.query_params.pop("draw", None)
    tell(f"The address asked for the pictures number “{text[:20]}”, which there are not.")
    return 0


def draw_others() -> None:
    set_parameter("draw", str(draw() + 1))


def names() -> str:
    """The names that a person has typed, one a line; empty for those of what is to be seen."""
    return st.query_params.get("names", "")[:MOST_TEXT]


def set_names(text: str) -> None:
    set_parameter("names", text.strip()[:MOST_TEXT] or None)


def in_sentences() -> bool:
    """Whether each name is put into several sentences."""
    return "as_is" not in st.query_params


def set_in_sentences(yes: bool) -> None:
    set_parameter("as_is", None if yes else "1")


# A person's own picture: in this session only, as small as the network sees it.


def own_picture() -> np.ndarray | None:
    """uint8 (3, h, w), or None."""
    return keep("own_picture", None)


def own_file() -> str:
    """What tells the file of that picture from another."""
    return str(keep("own_file", ""))


def set_own_picture(image: np.ndarray, file: str) -> None:
    st.session_state["own_picture"], st.session_state["own_file"] = image, file


# What was answered last: it stays to be seen while the next question is being answered.


def answered() -> tuple[Any, np.ndarray] | None:
    """The question and its probabilities (n, names)."""
    return keep("answered", None)


def set_answered(question: Any, probabilities: np.ndarray) -> None:
    st.session_state["answered"] = (question, probabilities)
