"""Many people at once: browser sessions that learn, invert, step back, refresh and cancel at random, for minutes.

Each session has experiments of its own, told apart by their seeds and settings. Whenever one rests, its page must show
the numbers of its own experiment, as the store has them. What fails is a fault: a number of another session, an error
on a page or in the server's log, a page that does not answer, or more memory than allowed.
"""

import asyncio
import contextlib
import os
import random
import re
import shutil
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cl_core.store import Store
from dashboard import markup
from dashboard.bench import BROWSERS, FLAGS, BenchError, Server, serving

MOST = 4 * 2**30  # bytes of resident memory of the server with its children
PATIENCE = 120.0  # seconds until an answer; the sessions wait for each other's runs
TINY = (
    "?preset=demo&stream.train_per_class=60&network.width=8&learn.epochs_first=4&learn.epochs=3&learn.balance_epochs=1"
    "&invert.iterations_per_layer=5&invert.full_iterations=10"
)
RESTS = """() => document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]') !== null
  && document.querySelector('[data-stale="true"], .st-key-live') === null"""
MOVED = """before => document.querySelector('.st-key-live, .st-key-failure') !== null
  || new URLSearchParams(location.search).get('node') !== before"""
CANCEL = """() => {
  const button = document.querySelector('.st-key-cancel button:not([disabled])');
  button?.click();
  return button !== null;
}"""
GO = """share => {
  const steps = [...document.querySelectorAll('[class*="st-key-go-"] button[data-testid=stBaseButton-secondary]')];
  steps[Math.floor(share * steps.length)]?.click();
  return steps.length > 0;
}"""
NUMBERS = "() => [...document.querySelectorAll('.il-task .il-foot strong')].map(place => place.textContent)"
HARM = '[data-testid="stException"], .st-key-failure'


@dataclass
class Session:
    """A person: what was done, how long the page took to answer, and what went wrong."""

    number: int
    draws: random.Random
    seed: int = 0  # of the experiment at hand
    done: Counter = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    asked: float = 0.0  # when the run at hand was asked for

    @property
    def images(self) -> int:
        """Synthetic images a class: a setting that no other session has."""
        return 4 + self.number

    def took(self, what: str, began: float) -> None:
        self.done[what] += 1
        self.seconds.setdefault(what, []).append(time.monotonic() - began)

    def fault(self, words: str) -> None:
        self.faults.append(f"Session {self.number}: {words}")


@dataclass
class Told:
    """What came of it all."""

    sessions: list[Session]
    minutes: float
    peak: int  # bytes
    log: list[str]  # lines of the server's that tell of an error

    @property
    def faults(self) -> list[str]:
        found = [fault for session in self.sessions for fault in session.faults] + self.log
        found += [f"Session {s.number} got nowhere." for s in self.sessions if not s.done["a step, until it is shown"]]
        if self.peak > MOST:
            found.append(f"The server took {self.peak / 2**30:.2f} GiB.")
        return found


def soak(sessions: int, minutes: float, seed: int = 0) -> Told:
    """So many sessions for so long. Raises BenchError when there is no browser."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise BenchError(f"No browser was found; one of these must be on the path: {', '.join(BROWSERS)}.")
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, serving(Path(folder)) as server:
        people = [Session(i, random.Random(seed * 1000 + i)) for i in range(sessions)]
        peak = asyncio.run(_all(people, minutes, server, browser))
        log = server.log.read_text(encoding="utf-8", errors="replace").splitlines()
    bad = [
        f"The server's log: {line}" for line in log if re.search(r"Traceback|ERROR|CRITICAL|(Error|Exception)\b", line)
    ]
    return Told(people, minutes, peak, bad)


async def _all(people: list[Session], minutes: float, server: Server, path: str) -> int:
    """Let all of them live at the same time. Returns the server's peak of memory, in bytes."""
    try:
        from playwright.async_api import async_playwright
    except ImportError as error:
        raise BenchError(
            "Playwright is not installed; `pip install playwright` brings what drives the browser."
        ) from error
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        begun = asyncio.Barrier(len(people))
        lives = asyncio.gather(*(_live(one, browser, server, begun, 60 * minutes) for one in people))
        peak = 0
        while not lives.done():
            peak = max(peak, _memory(server.process))
            await asyncio.wait([lives], timeout=0.5)
        await browser.close()
        lives.result()
        return peak


def _memory(process: int) -> int:
    """Resident bytes of a process and its children; what they share counts for each."""
    total, tree = 0, [process]
    for one in tree:  # grows while it is walked
        with contextlib.suppress(OSError, ValueError):  # ended this very moment
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            tree += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return total


async def _live(one: Session, browser: Any, server: Server, begun: asyncio.Barrier, seconds: float) -> None:
    """One session's time, which counts from when all of them have an experiment."""
    from playwright.async_api import Error

    context = await browser.new_context(viewport={"width": 1200, "height": 800})
    page = await context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.on("console", lambda said: one.fault(f"console: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: one.fault(f"page: {error}"))
    try:
        await _begin(one, page, server)
        await begun.wait()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await _act(one, page, server)
            await _look(one, page, server)
    except (Error, asyncio.BrokenBarrierError) as error:
        await begun.abort()
        first = (str(error).strip().splitlines() or ["the others did not begin"])[0]
        one.fault(f"after {sum(one.done.values())} actions: {first}")
    finally:
        await context.close()


async def _begin(one: Session, page: Any, server: Server) -> None:
    """A new experiment, with settings that no other session has."""
    one.seed = 100 * (one.number + 1) + one.done["a new experiment"]
    began = time.monotonic()
    await page.goto(f"{server.address}/{TINY}&invert.images_per_class={one.images}&machine.seed={one.seed}")
    await page.locator(".film").wait_for()
    one.took("the first page, whole", began)
    began = time.monotonic()
    await page.get_by_role("button", name="New experiment").first.click()
    await page.get_by_role("button", name="Create the experiment").click()
    await page.locator(".st-key-advance button").wait_for()
    await _rest(page)
    one.took("a new experiment", began)


async def _act(one: Session, page: Any, server: Server) -> None:
    """Something that a person does."""
    if not await page.locator(".st-key-advance button").count():
        await _begin(one, page, server)
        return
    match one.draws.choices(("step", "cancel", "end", "refresh", "back"), (10, 4, 2, 1, 3))[0]:
        case "step":
            await _press(one, page, "advance")
            await _finish(one, page)
        case "cancel":
            await _press(one, page, "advance")
            await _cancel(one, page)
        case "end" if await page.locator(".st-key-to-the-end button").count():
            await _press(one, page, "to-the-end")
            await _cancel(one, page)
        case "refresh":
            await _press(one, page, "advance")
            began = time.monotonic()
            await page.reload()
            await page.locator(".il-task").first.wait_for()
            one.took("a refresh in the midst, to the cards", began)
            await _finish(one, page)
        case "back":
            began, before = time.monotonic(), _node(page)
            if await page.evaluate(GO, one.draws.random()):
                await page.wait_for_function(MOVED, arg=before)
                await _rest(page)
                one.took("another step on the path, until it is shown", began)


async def _press(one: Session, page: Any, key: str) -> None:
    """Start a run; leave when the page says that it has begun, or is over already."""
    began, before = time.monotonic(), _node(page)
    await page.locator(f".st-key-{key} button").click()
    await page.wait_for_function(MOVED, arg=before)
    one.took("a run asked for, until the page says so", began)
    one.asked = began


async def _finish(one: Session, page: Any) -> None:
    await _rest(page)
    one.took("a step, until it is shown", one.asked)


async def _cancel(one: Session, page: Any) -> None:
    """Cancel after a while, if it is not over by then."""
    await asyncio.sleep(one.draws.uniform(0, 4))
    began = time.monotonic()
    cancelled = await page.evaluate(CANCEL)
    await _rest(page)
    if cancelled:
        one.took("a cancel, until the page rests", began)


async def _rest(page: Any) -> None:
    await page.wait_for_function(RESTS, polling=100)


def _node(page: Any) -> str | None:
    return parse_qs(urlsplit(page.url).query).get("node", [None])[0]


async def _look(one: Session, page: Any, server: Server) -> None:
    """The page at rest shows one's own experiment, and its numbers as the store has them."""
    if harm := await page.locator(HARM).all_inner_texts():
        one.fault(f"the page says: {harm[0]:.200}")
    node_id = _node(page)
    if node_id is None:
        one.fault("the page lost its step.")
        return
    path = Store(server.store).lineage(node_id, groups=())
    config, seen = path[-1].config, path[-1].record.get("accuracy", {}).get("validation", [[]])[-1]
    if (config.machine.seed, config.invert.images_per_class) != (one.seed, one.images):
        one.fault(f"it was shown a step of another: seed {config.machine.seed} instead of {one.seed}.")
    shown, told = [markup.percent(share) for share in seen], await page.evaluate(NUMBERS)
    one.done["a look at one's own numbers"] += 1
    if shown != told:
        one.fault(f"at step {node_id} the page shows {told}, the store has {shown}.")


def table(told: Told) -> str:
    """What was done how often, and how long it took; then memory and faults."""
    names = sorted({name for one in told.sessions for name in one.seconds})
    lines = [f"{'seconds':44}{'times':>7}{'median':>9}{'95 %':>9}{'longest':>9}"]
    for name in names:
        took = sorted(second for one in told.sessions for second in one.seconds.get(name, []))
        late = took[min(len(took) - 1, round(0.95 * len(took)))]
        lines.append(f"{name:44}{len(took):>7}{statistics.median(took):>9.2f}{late:>9.2f}{took[-1]:>9.2f}")
    looks = sum(one.done["a look at one's own numbers"] for one in told.sessions)
    lines += [
        f"{len(told.sessions)} sessions, {told.minutes:g} minutes; {looks} looks whether they see their own numbers.",
        f"Processes that wanted a core, with those of others: {os.getloadavg()[1]:.1f} of {os.cpu_count()} cores.",
        f"Resident memory of the server, with its children: at most {told.peak / 2**30:.2f} GiB.",
        f"Faults: {len(told.faults)}",
        *told.faults[:20],
    ]
    return "\n".join(lines)
