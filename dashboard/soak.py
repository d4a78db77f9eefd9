"""Many people at once: browser sessions that learn, invert, step back, refresh and cancel at random, for minutes.

Each session (visitor.py) has experiments of its own, told apart by their seeds and settings. Whenever one rests, its
page must show the numbers of its own experiment, as the store has them. What fails is a fault: a number of another
session, an error on a page or in the server's log, a page that does not answer, or more memory than allowed.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cl_core.store import Store
from dashboard import visitor
from dashboard.bench import BROWSERS, FLAGS, BenchError, Server, serving
from dashboard.visitor import Visitor

MOST = 4 * 2**30  # bytes of resident memory of the server with its children


@dataclass
class Told:
    """What came of it all."""

    sessions: list[Visitor]
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
        people = [Visitor(i, random.Random(seed * 1000 + i)) for i in range(sessions)]
        peak = asyncio.run(_all(people, minutes, server, browser))
        log = server.log.read_text(encoding="utf-8", errors="replace").splitlines()
    bad = [
        f"The server's log: {line}" for line in log if re.search(r"Traceback|ERROR|CRITICAL|(Error|Exception)\b", line)
    ]
    return Told(people, minutes, peak, bad)


async def _all(people: list[Visitor], minutes: float, server: Server, path: str) -> int:
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


async def _live(one: Visitor, browser: Any, server: Server, begun: asyncio.Barrier, seconds: float) -> None:
    """One session's time, which counts from when all of them have an experiment."""
    from playwright.async_api import Error

    store = Store(server.store)
    context = await browser.new_context(viewport={"width": 1200, "height": 800})
    page = await context.new_page()
    page.set_default_timeout(1000 * visitor.PATIENCE)
    page.on("console", lambda said: one.fault(f"console: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: one.fault(f"page: {error}"))
    try:
        await visitor.begin(one, page, server.address)
        await begun.wait()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await visitor.act(one, page, server.address)
            await visitor.look(one, page, store)
    except (Error, asyncio.BrokenBarrierError) as error:
        await begun.abort()
        first = (str(error).strip().splitlines() or ["the others did not begin"])[0]
        one.fault(f"after {sum(one.done.values())} actions: {first}")
    finally:
        await context.close()


def table(told: Told) -> str:
    """What was done how often, and how long it took; then memory and faults."""
    names = sorted({name for one in told.sessions for name in one.seconds})
    lines = [f"{'seconds':44}{'times':>7}{'median':>9}{'95 %':>9}{'longest':>9}"]
    for name in names:
        took = sorted(second for one in told.sessions for second in one.seconds.get(name, []))
        late = took[min(len(took) - 1, round(0.95 * len(took)))]
        lines.append(f"{name:44}{len(took):>7}{statistics.median(took):>9.2f}{late:>9.2f}{took[-1]:>9.2f}")
    looks = sum(one.done["a look at one's own numbers"] for one in told.sessions)
    unsettled = sum(one.unsettled for one in told.sessions)
    lines += [
        f"{len(told.sessions)} sessions, {told.minutes:g} minutes; {looks} looks whether they see their own numbers.",
        f"Looks that fell into the midst of a change, and were right soon after: {unsettled}.",
        f"Clicks without an answer within {visitor.AGAIN:g} s, made again: {_again(told.sessions)}.",
        f"Processes that wanted a core, with those of others: {os.getloadavg()[1]:.1f} of {os.cpu_count()} cores.",
        f"Resident memory of the server, with its children: at most {told.peak / 2**30:.2f} GiB.",
        f"Faults: {len(told.faults)}",
        *told.faults[:20],
    ]
    return "\n".join(lines)


def _again(sessions: list[Visitor]) -> str:
    """How many clicks had to be made again, and which."""
    counts = sum((one.again for one in sessions), Counter())
    return ", ".join(f"{times} on {what}" for what, times in sorted(counts.items())) or "none"
