"""Widgets' values (keys w.<name> and view.<name>), the points chosen, the form of a new experiment."""

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cl_core.config import Config
from dashboard.points import Points
from dashboard.state.session import keep
from dashboard.state.tuning import DEFAULT_PRESET, preset_name, settings


def widget(name: str, value: Any) -> str:
    """The key of a widget, with its value set to what the state says: a widget never has an opinion of its own."""
    key = f"w.{name}"
    st.session_state[key] = value
    return key


def widget_value(name: str) -> Any:
    return st.session_state[_typed_key(name)]


def heard(change: Callable[..., None]) -> Callable[..., None]:
    """A callback of a widget on the page itself, outside of dialogs and of what polls; deaf to a late browser.

    A change by a person asks for the whole page. A poll asks for a part of it, and only brings along what the widgets
    show: that is what the state said before, if the browser has not heard of a change yet.
    """

    @functools.wraps(change)
    def on_change(*args: Any) -> None:
        context = get_script_run_ctx()
        if context is None or not context.fragment_ids_this_run:
            change(*args)

    return on_change


def typed(name: str, text: str) -> dict[str, Any]:
    """Key and value of a field for words, which says what the state says.

    To set it, as `widget` does, would take away what a person is typing whenever the page is drawn again. So it is
    another field when the state comes to say something else than what was typed.
    """
    key = _typed_key(name)
    if key in st.session_state and st.session_state[key].strip() != text.strip():
        st.session_state[f"typed.{name}"] = int(keep(f"typed.{name}", 0)) + 1
    return {"key": _typed_key(name), "value": text}


def _typed_key(name: str) -> str:
    count = int(st.session_state.get(f"typed.{name}", 0))
    return f"w.{name}.{count}" if count else f"w.{name}"


def choice(name: str) -> str:
    """The key of a widget that only this session knows of (a view's switch); it keeps its value by itself."""
    return f"view.{name}"


def choose(name: str, value: Any) -> None:
    """Set such a widget, before it is drawn."""
    st.session_state[choice(name)] = value


def kept(key: str) -> Any:
    """What the state holds for the key of a widget."""
    return st.session_state[key]


def chosen(name: str, default: Any) -> Any:
    """What such a widget says, before it is drawn."""
    return st.session_state.get(choice(name), default)


# What is chosen in the feature space.


def pick(node_id: str, points: Points) -> None:
    """Keep the points that are chosen in the features of a snapshot."""
    st.session_state["picked"] = (node_id, points)


def picked(node_id: str) -> Points:
    """The points that are chosen, if they are of this snapshot."""
    of, points = keep("picked", ("", Points()))
    return points if of == node_id else Points()


def let_go(node_id: str) -> None:
    """Choose no point any more; the picture that they were chosen in has to be told, see `times_let_go`."""
    pick(node_id, Points())
    st.session_state["let_go"] = times_let_go() + 1


def times_let_go() -> int:
    """How often all points were let go."""
    return int(keep("let_go", 0))


# The form of a new experiment.


def new_config() -> Config:
    """The experiment that the form describes."""
    if "new_config" not in st.session_state:
        set_new(settings(None), preset_name())
    return st.session_state["new_config"]


def new_preset() -> str:
    """The preset that the form starts from."""
    return str(keep("new_preset", DEFAULT_PRESET))


def set_new(config: Config, preset: str) -> None:
    st.session_state["new_config"], st.session_state["new_preset"] = config, preset
