"""What was taken in is shown: the whole page is drawn for it, and for addresses that make no sense."""

import random
from pathlib import Path
from unittest import mock

import nasty
from streamlit.testing.v1 import AppTest
from watch import FORBIDDEN, Tally, enter

from dashboard import library

APP = Path(__file__).parent.parent.parent / "dashboard" / "app.py"
ADDRESSES = (
    {"node": "../../etc/passwd"},
    {"node": "0" * 5000},
    {"node": nasty.TAG},
    {"run": "\x00"},
    {"preset": nasty.TAG},
    {"learn.epochs": "9" * 5000},
    {"learn.lr": "nan"},
    {"invert.layer_iterations": "1,,-3 x"},
    {"machine.seed": "1e400"},
    {"stream.data": "folder:/proc/self"},
    {"stream.data": "folder:\x00"},
    {"network.width": "８"},
    {"learn.strategy": "x"},
    {"stream.order": "1 1 1"},
    {"invert.tv": "inf"},
    {"machine.device": "cuda:99"},
    {"a": "b", "b": "a", "after": "-1"},
)


def draw(count: int, taken: list[tuple[Path, str]], root: Path, told: Tally) -> None:
    """So many pages, most of them of runs that were taken in."""
    cases: list[tuple[dict[str, str], Path]] = [({"node": node}, place) for place, node in taken]
    random.Random(0).shuffle(cases)
    some = [(address, root / "own") for address in ADDRESSES]
    cases = [*some[: max(1, count // 3)], *cases]
    for address, place in (cases * (1 + count // len(cases)))[:count]:

        def show(address: dict[str, str] = address) -> None:
            page = AppTest.from_file(str(APP), default_timeout=60)
            for name, value in address.items():
                page.query_params[name] = value
            page.run()
            page.run()  # a browser comes again for the rest of the page
            if page.exception:
                raise AssertionError("\n".join(f"{e.message} {' '.join(e.stack_trace[-8:])}" for e in page.exception))

        with mock.patch.dict("os.environ", INVERSION_LAB_STORE=str(place)):
            library.store_at.cache_clear()
            enter(show, (), root, told, f"page: {address} {place.name}", forbidden=FORBIDDEN[1:])  # Streamlit's cache


def written(address: dict[str, str], told: Tally, root: Path) -> str:
    """The HTML and the markdown of the whole page at an address."""
    page = AppTest.from_file(str(APP), default_timeout=60)
    page.query_params.update(address)
    enter(lambda: page.run().run(), (), root, told, "page", forbidden=FORBIDDEN[1:])
    told.faults += [str(e.message) for e in page.exception]
    parts = [*page.markdown, *page.caption, *page.warning, *page.error, *page.get("html")]
    return "\n".join(str(getattr(p, "value", "") or getattr(getattr(p, "proto", None), "body", "")) for p in parts)
