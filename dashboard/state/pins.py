"""The page A/B: which two snapshots, after how many tasks one looks, and whose network looks at both."""

import streamlit as st

from dashboard.state.pages import address_of, set_parameter


def pinned(side: str) -> str | None:
    """The id of the snapshot that is pinned as "a" or "b", on whichever page one is."""
    return _of_ab().get(side)


def pin(side: str, node_id: str | None) -> None:
    """Pin a snapshot as "a" or "b"; None: take the pin out."""
    _set_of_ab(side, node_id)
    _set_of_ab("after", None)


def moment() -> str | None:
    """After how many tasks, as the address says it; None: as pinned."""
    return _of_ab().get("after")


def look_after(tasks: int | None) -> None:
    _set_of_ab("after", None if tasks is None else str(tasks))


def lender() -> str | None:
    """Whose network looks at both, as the address says it."""
    return _of_ab().get("network")


def borrow(lender: str | None) -> None:
    _set_of_ab("network", lender)


def _of_ab() -> dict[str, str]:
    return st.query_params.to_dict() if st.session_state.get("page") == "ab" else address_of("ab")


def _set_of_ab(name: str, value: str | None) -> None:
    """On the page itself in its address, elsewhere in the one that it will come back with."""
    if st.session_state.get("page") == "ab":
        set_parameter(name, value)
    else:
        kept = {key: text for key, text in address_of("ab").items() if key != name}
        st.session_state["address.ab"] = kept | ({} if value is None else {name: value})
