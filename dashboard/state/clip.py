"""The CLIP page: its pictures, and the names that compete on them.

In the address: `pictures` (their kind), `draw` (which of them), `names` (one a line) and `as_is` (no sentences); of the
class never shown: `world`, `newcomer` (its name) and `unseen.…`, the settings that differ from the usual ones.
"""

import dataclasses
from typing import Any

import numpy as np
import streamlit as st

from cl_core.config import ConfigError, UnseenConfig
from dashboard.state.address import parameter, parameters, set_parameter
from dashboard.state.session import keep, tell
from dashboard.state.tuning import as_text, parse

MOST_TEXT = 5000  # characters of the names
MOST_DRAWS = 1_000_000


def pictures(kinds: list[str]) -> str:
    """The kind of pictures that one looks at, one of `kinds`."""
    asked = parameters().get("pictures", kinds[0])
    if asked in kinds:
        return asked
    set_parameter("pictures", None)
    tell(f"The address asked for pictures “{asked}”, which there are not.")
    return kinds[0]


def look_at_pictures(kind: str) -> None:
    set_parameter("pictures", kind)


def draw() -> int:
    """Which of the pictures of a kind: 0 the first ones."""
    text = parameters().get("draw", "0")
    if text.isdecimal() and len(text) < 8 and int(text) < MOST_DRAWS:
        return int(text)
    set_parameter("draw", None)
    tell(f"The address asked for the pictures number “{text[:20]}”, which there are not.")
    return 0


def draw_others() -> None:
    set_parameter("draw", str(draw() + 1))


def names() -> str:
    """The names that a person has typed, one a line; empty for those of what is to be seen."""
    return parameters().get("names", "")[:MOST_TEXT]


def set_names(text: str) -> None:
    set_parameter("names", text.strip()[:MOST_TEXT] or None)


def in_sentences() -> bool:
    """Whether each name is put into several sentences."""
    return parameter("as_is") is None


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


# A class never shown.


def world(kinds: list[str]) -> str:
    """The old classes among which it comes, one of `kinds`."""
    asked = parameters().get("world", kinds[0])
    if asked in kinds:
        return asked
    set_parameter("world", None)
    tell(f"The address asked for a world “{asked}”, which there is not.")
    return kinds[0]


def look_at_world(kind: str) -> None:
    """Another world, with its own first class."""
    set_parameter("world", kind)
    set_parameter("newcomer", None)


def newcomer() -> str:
    """The name of the new class; empty for the first one."""
    return " ".join(parameters().get("newcomer", "").split())


def set_newcomer(name: str) -> None:
    set_parameter("newcomer", " ".join(name.split()) or None)


def unseen() -> UnseenConfig:
    """Its settings: the usual ones, and what the address changes; what cannot be used is taken out, and told."""
    config = UnseenConfig()
    for field in dataclasses.fields(UnseenConfig):
        text = parameter(f"unseen.{field.name}")
        if text is not None:
            try:
                config = dataclasses.replace(config, **{field.name: parse(text, field.default)})
            except ConfigError as error:
                set_parameter(f"unseen.{field.name}", None)
                tell(f"The address had a setting that cannot be used and was left out. {error}")
    return config


def set_unseen(field: str, value: Any) -> None:
    """One of its settings."""
    usual = getattr(UnseenConfig(), field)
    set_parameter(f"unseen.{field}", None if value == usual else as_text(value))


def asked_before(job_id: str) -> str:
    """The job that was followed before this one; empty for none, or the same."""
    before = str(keep("newcomer_job", ""))
    st.session_state["newcomer_job"] = job_id
    return before if before != job_id else ""


def found() -> Any:
    """What was found last of a class never shown: it stays to be seen while the next is looked for."""
    return keep("found", None)


def set_found(what: Any) -> None:
    st.session_state["found"] = what
