"""The address of each page: what this session holds to be true, and tells the browser.

A busy browser asks with an address that it has not yet replaced, and Streamlit believes every word of it: the page
would be led back to what it showed before. So the browser is heard when it comes to a page, and when a person goes back
or forth in its history; else the session's own word counts, and the browser is told of it whenever a page is drawn or
polls, since Streamlit drops what one drawing says last when another follows at once.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.state.session import keep


def page() -> str:
    """The page that is being drawn."""
    return str(st.session_state.get("page", "explore"))


def come_to(page: str) -> dict[str, str]:
    """A page is about to be drawn; what the browser asks of it, empty where it is not heard.

    Streamlit forgets the address of a page that one leaves: coming back without one, the page is as it was left.
    """
    came = st.session_state.get("page") != page
    st.session_state["page"] = page
    if not came and not _in_history():
        return {}
    asked = st.query_params.to_dict()
    _hold(page, asked if asked or not came else address_of(page))
    return asked


def _in_history() -> bool:
    """Whether the person went back or forth in the browser's history."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def address_of(page: str) -> dict[str, str]:
    """The query parameters of a page, the one that is being drawn or one that was left."""
    return dict(_addresses().get(page, {}))


def _hold(page: str, address: dict[str, str]) -> None:
    _addresses()[page] = address


def _addresses() -> dict[str, dict[str, str]]:
    """By page."""
    addresses: dict[str, dict[str, str]] = keep("addresses", {})
    return addresses


def parameters() -> dict[str, str]:
    """Those of the page that is being drawn."""
    if page() not in _addresses():
        _hold(page(), st.query_params.to_dict())
    return address_of(page())


def parameter(name: str) -> str | None:
    return parameters().get(name)


def set_parameter(name: str, value: str | None, of: str | None = None) -> None:
    """None: take it out. of: a page, if not the one that is being drawn; it has it when one comes to it."""
    before = parameters() if of is None else address_of(of)
    after = {key: text for key, text in before.items() if key != name} | ({} if value is None else {name: value})
    set_parameters(after, of)


def set_parameters(address: dict[str, str], of: str | None = None) -> None:
    """All of a page at once."""
    if of is not None and of != page():
        _hold(of, address)
    elif address != parameters():
        _hold(page(), address)
        tell_browser()


def tell_browser() -> None:
    """What the address is. It makes no new entry in its history, unless it is news."""
    st.query_params.from_dict(parameters())
