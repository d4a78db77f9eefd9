"""What a session keeps for itself, and what is told once at the top of the page."""

import re
from typing import Any

import streamlit as st


def keep(key: str, default: Any) -> Any:
    """What the session has under a key, at first the default."""
    if key not in st.session_state:
        st.session_state[key] = default
    return st.session_state[key]


def again(what: str) -> bool:
    """False the first time that a session asks, then True."""
    before = keep(f"again.{what}", False)
    st.session_state[f"again.{what}"] = True
    return before


def plain(text: str) -> str:
    """Text that may hold a person's words, so that Streamlit's markdown shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#$~|:])", r"\\\1", text)


def tell(sentence: str) -> None:
    """A sentence for the person, shown until it is dismissed or the page moves on."""
    notices = keep("notices", [])
    sentence = plain(sentence)
    if sentence not in notices:
        notices.append(sentence)


def notices(more_to_come: bool = False) -> list[str]:
    """The sentences to show now; each is shown once. more_to_come: the page is drawn again at once, with them."""
    told = list(keep("notices", []))
    if not more_to_come:
        st.session_state["notices"] = []
    return told
