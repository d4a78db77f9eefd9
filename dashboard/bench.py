"""How fast the app answers: the finished example in headless Chromium, timed inside the browser, medians and bars.

Playwright drives the browser; it is imported when something is measured, because the app does not need it.
"""

import contextlib
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 120_000  # milliseconds
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# Whether rows of other classes are faint in the sheets.
MARKED = """[...document.querySelectorAll(".il-sheet-labels span")].some(row => getComputedStyle(row).opacity < 0.5)"""
CLOSEUP = 'document.querySelector(".il-closeup")'
# The name of the axis in a picture that is there to be seen; none while Plotly draws anew.
AXIS = """[...document.querySelectorAll(".st-key-panel-features .js-plotly-plot")]
  .find(plot => plot.checkVisibility({visibilityProperty: true}))?.querySelector(".xtitle")?.textContent"""

# From the start of a visit to the first frames with the heading and with a chart: milliseconds.
ARRIVING = """{
  const wanted = ["h1", ".js-plotly-plot .main-svg"];
  window.arrived = [null, null];
  const look = () => {
    wanted.forEach((one, i) => { if (!arrived[i] && document.querySelector(one)) arrived[i] = performance.now(); });
    if (arrived.includes(null)) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
# From the next release of the mouse to the first frame in which the page says each of some things: milliseconds.
WATCH = """() => {
  const wanted = [%s], found = wanted.map(() => null);
  window.answer = new Promise(resolve => addEventListener("mouseup", () => {
    const began = performance.now();
    const look = () => {
      const now = performance.now() - began;
      wanted.forEach((there, i) => { if (found[i] === null && there()) found[i] = now; });
      found.includes(null) && now < 30000 ? requestAnimationFrame(look) : resolve(found);
    };
    requestAnimationFrame(look);
  }, {capture: true, once: true}));
}"""
# Where the middle one of a class's synthetic points is on the screen.
PLACE = """() => {
  const plot = [...document.querySelectorAll(".st-key-panel-features .js-plotly-plot")]
    .find(plot => plot.checkVisibility({visibilityProperty: true}));
  const {_size, xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
  const {x, y} = plot._fullData.find(trace => trace.name.endsWith("synthetic")), row = Math.floor(x.length / 2);
  return [box.x + _size.l + xaxis.l2p(x[row]), box.y + _size.t + yaxis.l2p(y[row])];
}"""


# An experiment that learns its first task for longer than all the measuring takes.
LONG = "?preset=demo&learn.epochs_first=400"


class BenchError(Exception):
    """It cannot be measured here; the message says what is missing."""


@dataclass
class Measure:
    """Seconds, one for each repeat, and what they should not exceed in the median; None: only told."""

    title: str
    bar: float | None
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def holds(self) -> bool | None:
        return None if self.bar is None else self.median <= self.bar


def measure(repeats: int) -> list[Measure]:
    """Visit the example and use it, so many times. Raises BenchError when there is no browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise BenchError(
            "Playwright is not installed; `pip install playwright` brings what drives the browser."
        ) from error
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        raise BenchError(f"No browser was found; one of these must be on the path: {', '.join(BROWSERS)}.")
    cold = [
        Measure("heading, a new server's first visit", None),
        Measure("first chart, a new server's first visit", None),
    ]
    warm = [Measure("heading", 1.5), Measure("first chart", 4.0)]
    used = {
        "chip": Measure("a class chip, to the images marked", 0.3),
        "radio": Measure("a projection, to its picture", 0.3),
        "back": Measure("a step on the path, to its task cards", 0.3),
        "point": Measure("a point chosen, to its image", 0.6),
        "marked": Measure("a point chosen, to the images marked", 0.6),
    }
    busy = Measure("a class chip, while a run computes", 1.0)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        try:
            for number in range(repeats + 1):
                context = browser.new_context(viewport={"width": 1400, "height": 900})
                page = context.new_page()
                page.set_default_timeout(PATIENCE)
                _visit(page, server.address, warm if number else cold)
                if number:
                    _use(page, used)
                context.close()
            _use_while_computing(browser, server.address, busy, repeats)
        finally:
            browser.close()
    return [*warm, *used.values(), busy, *cold]


def _visit(page: Any, address: str, into: list[Measure]) -> None:
    """Open the page; leave when it is whole."""
    page.add_init_script(ARRIVING)
    page.goto(address, wait_until="commit")
    page.locator(".film").wait_for()
    for one, milliseconds in zip(into, page.evaluate("window.arrived"), strict=True):
        one.seconds.append(milliseconds / 1000)
    _rest(page)


def _use(page: Any, into: dict[str, Measure]) -> None:
    """A chip, a radio button, a step on the path, a point: each measured, and then undone."""

    def press(role: str, name: str, *until: str) -> list[float]:
        wanted = page.get_by_role(role, name=name, exact=True).first
        wanted.scroll_into_view_if_needed()
        return _answer(page, wanted.click, *until)

    into["chip"].seconds += press("button", "Trouser", MARKED)
    press("button", "Trouser", f"!{MARKED}")
    into["radio"].seconds += press("radio", "LDA", f'{AXIS}?.includes("discriminant")')
    press("radio", "PCA", f'{AXIS}?.includes("principal")')
    page.locator(".st-key-panel-features .nsewdrag").first.scroll_into_view_if_needed()
    x, y = page.evaluate(PLACE)
    page.mouse.move(x - 1, y)
    page.locator(".st-key-panel-features .hovertext").first.wait_for()
    image, marked = _answer(page, lambda: page.mouse.click(x, y), CLOSEUP, MARKED)
    into["point"].seconds.append(image)
    into["marked"].seconds.append(marked)
    press("button", "Let go", f"!{MARKED} && !{CLOSEUP}")
    into["back"].seconds += press("button", "● Learn 4", 'document.querySelector(".st-key-card-5 .il-next")')


def _use_while_computing(browser: Any, address: str, into: Measure, repeats: int) -> None:
    """A chip on one page, so many times, while a run learns on another page of the same server."""
    runner, page = (browser.new_page(viewport={"width": 1400, "height": 900}) for _ in range(2))
    for one in (runner, page):
        one.set_default_timeout(PATIENCE)
    _visit(page, address, [Measure("", None), Measure("", None)])
    runner.goto(address + LONG)
    for name in ("New experiment", "Create the experiment"):
        runner.get_by_role("button", name=name).first.click()
    runner.locator(".st-key-advance button").click()
    learning = runner.locator('.il-live[data-stage="learn"]')
    learning.wait_for()
    chip = page.get_by_role("button", name="Trouser", exact=True).first
    for _ in range(repeats):
        into.seconds += _answer(page, chip.click, MARKED)
        _answer(page, chip.click, f"!{MARKED}")
    if not learning.count():
        raise BenchError("The run was over before the page was measured beside it.")
    runner.locator(".st-key-cancel button").click()
    learning.wait_for(state="detached")
    for one in (runner, page):
        one.close()


def _answer(page: Any, act: Any, *until: str) -> list[float]:
    """Seconds from the end of a click to the first frame in which each of these conditions (JavaScript) holds."""
    page.evaluate(WATCH % ", ".join(f"() => {condition}" for condition in until))
    act()
    found = page.evaluate("window.answer")
    if None in found:
        raise BenchError(f"The page did not answer a click within half a minute: {until[found.index(None)]}")
    _rest(page)
    return [milliseconds / 1000 for milliseconds in found]


def _rest(page: Any) -> None:
    """Wait until nothing runs and nothing on the page is stale."""
    page.locator(SETTLED).wait_for()
    page.wait_for_function("document.querySelector('[data-stale=true]') === null")


class Server(NamedTuple):
    """The app, served for a measurement."""

    address: str
    process: int
    store: Path
    log: Path


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """The app on a free port, with an empty store. Raises BenchError when it does not come up."""
    store, told = folder / "store", folder / "server.log"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = Path(__file__).parent / "app.py"
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(app),
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    environment = os.environ | {"INVERSION_LAB_STORE": str(store)}
    with told.open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        limit = time.monotonic() + PATIENCE / 1000
        while not _answers(f"{address}/_stcore/health"):
            if server.poll() is not None or time.monotonic() > limit:
                raise BenchError(f"The app does not come up: {told.read_text().strip()[-300:]}")
            time.sleep(0.1)
        yield Server(address, server.pid, store, told)
    finally:
        server.terminate()
        server.wait(20)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=1).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


def table(measures: list[Measure]) -> str:
    """The medians beside their bars, a line each."""
    width = max(len(one.title) for one in measures)
    lines = [f"{'':{width}}   median     bar   (lowest … highest)"]
    for one in measures:
        bar = "        " if one.bar is None else f"{one.bar:6.2f} s"
        says = {None: "", True: "  holds", False: "  MISSED"}[one.holds]
        spread = f"({min(one.seconds):.2f} … {max(one.seconds):.2f})"
        lines.append(f"{one.title:{width}} {one.median:6.2f} s {bar}   {spread}{says}")
    return "\n".join(lines)


def as_json(measures: list[Measure]) -> str:
    """All that was measured, in seconds, and on what."""
    rows = [
        {"what": one.title, "median": one.median, "bar": one.bar, "holds": one.holds, "seconds": one.seconds}
        for one in measures
    ]
    return json.dumps({"cores": os.cpu_count(), "system": platform.system(), "measures": rows}, indent=1)
