"""The page A/B: which two snapshots, after how many tasks one looks, and whose network looks at both."""

from dashboard.state.address import address_of, set_parameter


def pinned(side: str) -> str | None:
    """The id of the snapshot that is pinned as "a" or "b", on whichever page one is."""
    return address_of("ab").get(side)


def pin(side: str, node_id: str | None) -> None:
    """Pin a snapshot as "a" or "b"; None: take the pin out."""
    set_parameter(side, node_id, "ab")
    set_parameter("after", None, "ab")


def moment() -> str | None:
    """After how many tasks, as the address says it; None: as pinned."""
    return address_of("ab").get("after")


def look_after(tasks: int | None) -> None:
    set_parameter("after", None if tasks is None else str(tasks), "ab")


def lender() -> str | None:
    """Whose network looks at both, as the address says it."""
    return address_of("ab").get("network")


def borrow(lender: str | None) -> None:
    set_parameter("network", lender, "ab")
