"""The address: one page's parameters, found again when a person comes back to it; what the small pages ask of it.

Streamlit forgets the address of a page that one leaves.
"""

import streamlit as st

from dashboard.state.session import keep, tell


def page() -> str:
    """The page that is being drawn."""
    return str(keep("page", "explore"))


def enter(page: str) -> None:
    """A page is about to be drawn: "explore", "data" … Coming back to it without an address, it is as it was left."""
    if st.session_state.get("page", page) != page and not st.query_params.to_dict():
        st.query_params.from_dict(address_of(page))
    st.session_state["page"] = page
    set_parameter("projector", "1" if projector() else None)
    leave(page)


def leave(page: str) -> None:
    """The page is drawn: keep its address."""
    st.session_state[f"address.{page}"] = st.query_params.to_dict()


def address_of(page: str) -> dict[str, str]:
    """The query parameters that a page had when it was last drawn."""
    return dict(st.session_state.get(f"address.{page}", {}))


def set_parameter(name: str, value: str | None) -> None:
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


# The projector: large type for a lecture room, on all pages; `projector=1` in the address.


def arrive() -> None:
    """Before a page is drawn: what the address says of the projector. Without a word of it, all stays as it was."""
    asked = st.query_params.get("projector")
    if asked is None:
        return
    if asked not in ("0", "1"):
        tell(f"The address asked for the projector mode “{asked}”; allowed are 0 and 1.")
    st.session_state["projector"] = asked == "1"


def projector() -> bool:
    """Whether the page is drawn for the last row of a lecture room."""
    return bool(st.session_state.get("projector", False))


def project(on: bool) -> None:
    st.session_state["projector"] = on
    set_parameter("projector", "1" if on else None)


# The Data page, and its door to a new experiment.


def data() -> str:
    """The name of the data set that the Data page shows."""
    return st.query_params.get("data", "fashion-mnist")


def look_at_data(name: str) -> None:
    set_parameter("data", name)


def ask_for_new(yes: bool) -> None:
    """Whether the Explore page is to open the form of a new experiment by itself."""
    st.session_state["new_asked"] = yes


def new_asked() -> bool:
    return bool(keep("new_asked", False))


# The Compare page.


def results() -> str | None:
    """The name of the results that the Compare page shows."""
    return st.query_params.get("results")


def look_at_results(name: str | None) -> None:
    set_parameter("results", name)
