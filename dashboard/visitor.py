"""A person in a browser session: learns, inverts, cancels, steps back, refreshes, and looks whether all that is shown

is their own. Playwright drives the browser; what the page says is asked in JavaScript, in one breath.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from cl_core.snapshot import Snapshot
from cl_core.store import Store, StoreError
from dashboard import markup

PATIENCE = 120.0  # seconds until an answer; the sessions wait for each other's runs
AGAIN = 10.0  # seconds without an answer after which a person presses again, once the page is idle
PRESSES = 3  # after so many without an answer it is a fault
SETTLES = 10.0  # seconds within which a page that was looked at in the midst of a change is consistent
TINY = (
    "?preset=demo&stream.train_per_class=60&network.width=8&learn.epochs_first=4&learn.epochs=3&learn.balance_epochs=1"
    "&invert.iterations_per_layer=5&invert.full_iterations=10"
)
IDLE = """(document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]') !== null
  && document.querySelector('[data-stale="true"]') === null)"""
RESTS = f"() => {IDLE} && document.querySelector('.st-key-live') === null"
ADDRESS = "new URLSearchParams(location.search).get('node')"  # Playwright's page.url is late on a busy machine
BEGUN = f"before => document.querySelector('.st-key-live, .st-key-failure') !== null || {ADDRESS} !== before"
THERE = f"wanted => {ADDRESS} === wanted"
NO_CANCEL = "() => document.querySelector('.st-key-cancel button:not([disabled])') === null"
CANCEL = """() => {
  const button = document.querySelector('.st-key-cancel button:not([disabled])');
  button?.click();
  return button !== null;
}"""
# The ids of the steps on the path that are not the chosen one.
OTHERS = """() => [...document.querySelectorAll('[class*="st-key-go-"]')]
  .filter(place => place.querySelector('button[data-testid=stBaseButton-secondary]:not([disabled])'))
  .map(place => place.className.match(/st-key-go-(\\S+)/)[1])"""
GO = "id => document.querySelector(`.st-key-go-${CSS.escape(id)} button`)?.click()"
# What the address names, what the page marks as chosen, and the numbers on the cards, of one and the same moment.
SHOWN = f"""() => {{
  const chosen = [...document.querySelectorAll('[class*="st-key-go-"]')]
    .find(place => place.querySelector('button[data-testid=stBaseButton-primary]'));
  return {{
    address: {ADDRESS},
    chosen: chosen?.className.match(/st-key-go-(\\S+)/)[1] ?? null,
    numbers: [...document.querySelectorAll('.il-task .il-foot strong')].map(place => place.textContent),
  }};
}}"""
HARM = '[data-testid="stException"], .st-key-failure'


@dataclass
class Visitor:
    """What was done, how long the page took to answer, and what went wrong."""

    number: int
    draws: random.Random
    seed: int = 0  # of the experiment at hand
    done: Counter = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    asked: float = 0.0  # when the run at hand was asked for
    again: Counter = field(default_factory=Counter)  # clicks without an answer, by what was pressed
    unsettled: int = 0  # looks in the midst of a change, consistent soon after

    @property
    def images(self) -> int:
        """Synthetic images a class: a setting that no other session has."""
        return 4 + self.number

    def owns(self, step: Snapshot) -> bool:
        """Whether a step was made by this session."""
        return step.config.invert.images_per_class == self.images and step.config.machine.seed == self.seed

    def took(self, what: str, began: float) -> None:
        self.done[what] += 1
        self.seconds.setdefault(what, []).append(time.monotonic() - began)

    def fault(self, words: str) -> None:
        if (told := f"Session {self.number}: {words}") not in self.faults:
            self.faults.append(told)


async def begin(one: Visitor, page: Any, address: str) -> None:
    """A new experiment, with settings that no other session has."""
    one.seed = 100 * (one.number + 1) + one.done["a new experiment"]
    began = time.monotonic()
    await page.goto(f"{address}/{TINY}&invert.images_per_class={one.images}&machine.seed={one.seed}")
    await page.locator(".film").wait_for()
    one.took("the first page, whole", began)
    began = time.monotonic()
    await page.get_by_role("button", name="New experiment").first.click()
    await page.get_by_role("button", name="Create the experiment").click()
    await page.locator(".st-key-advance button").wait_for()
    await _rest(page)
    one.took("a new experiment", began)


async def act(one: Visitor, page: Any, address: str) -> None:
    """Something that a person does."""
    if not await page.locator(".st-key-advance button").count():
        await begin(one, page, address)
        return
    match one.draws.choices(("step", "cancel", "end", "refresh", "back"), (10, 4, 2, 1, 3))[0]:
        case "step":
            await _start(one, page, "advance")
            await _finish(one, page)
        case "cancel":
            await _start(one, page, "advance")
            await _cancel(one, page)
        case "end" if await page.locator(".st-key-to-the-end button").count():
            await _start(one, page, "to-the-end")
            await _cancel(one, page)
        case "refresh":
            await _start(one, page, "advance")
            began = time.monotonic()
            await page.reload()
            await page.locator(".il-task").first.wait_for()
            one.took("a refresh in the midst, to the cards", began)
            await _finish(one, page)
        case "back":
            await _step_back(one, page)


async def _start(one: Visitor, page: Any, key: str) -> None:
    """Start a run; leave when the page says that it has begun, or is over already."""
    one.asked, before = time.monotonic(), await page.evaluate(f"() => {ADDRESS}")
    await _press(one, page, "a run", page.locator(f".st-key-{key} button").click, BEGUN, before)
    one.took("a run asked for, until the page says so", one.asked)


async def _finish(one: Visitor, page: Any) -> None:
    await _rest(page)
    one.took("a step, until it is shown", one.asked)


async def _cancel(one: Visitor, page: Any) -> None:
    """Cancel after a while, if it is not over by then."""
    await asyncio.sleep(one.draws.uniform(0, 4))
    began = time.monotonic()
    if await page.evaluate(CANCEL):
        await _press(one, page, "cancel", lambda: page.evaluate(CANCEL), NO_CANCEL)
        one.took("a cancel, until the page says so", began)
        await _rest(page)
        one.took("a cancel, until the page rests", began)
    await _rest(page)


async def _step_back(one: Visitor, page: Any) -> None:
    """Go to another step of the path, if there is one."""
    others = await page.evaluate(OTHERS)
    if not others:
        return
    began, wanted = time.monotonic(), one.draws.choice(others)
    await _press(one, page, "a step on the path", lambda: page.evaluate(GO, wanted), THERE, wanted)
    await _rest(page)
    one.took("another step on the path, until it is shown", began)


async def _press(
    one: Visitor, page: Any, what: str, press: Callable[[], Awaitable[Any]], answered: str, told: str | None = None
) -> None:
    """Press until the page answers, as a person does: again after a while, when it is idle as if nothing had been."""
    for _ in range(PRESSES):
        await press()
        pressed = time.monotonic()
        while time.monotonic() < pressed + PATIENCE:
            if await page.evaluate(answered, told):
                return
            if time.monotonic() > pressed + AGAIN and await page.evaluate(IDLE):
                break
            await asyncio.sleep(0.1)
        one.again[what] += 1
    one.fault(f"no answer to {what}, pressed {PRESSES} times.")


async def _rest(page: Any) -> None:
    await page.wait_for_function(RESTS, polling=100)


async def look(one: Visitor, page: Any, store: Store) -> None:
    """The page at rest shows one's own experiment, and its numbers as the store has them.

    Whatever is another's is a fault. What is one's own but does not fit together may be seen in the midst of a change:
    it is counted, and a fault only if it stays so.
    """
    if harm := await page.locator(HARM).all_inner_texts():
        one.fault(f"the page says: {harm[0]:.200}")
    one.done["a look at one's own numbers"] += 1
    until, wrong = time.monotonic() + SETTLES, _wrong(one, await page.evaluate(SHOWN), store)
    one.unsettled += wrong is not None
    while wrong is not None and time.monotonic() < until:
        await _rest(page)
        wrong = _wrong(one, await page.evaluate(SHOWN), store)
    if wrong is not None:
        one.fault(wrong)


def _wrong(one: Visitor, shown: dict[str, Any], store: Store) -> str | None:
    """What does not fit together, in a sentence; None when all does. Another's steps or numbers are faults at once."""
    try:
        named = {of: store.load(shown[of], groups=()) for of in ("address", "chosen") if shown[of] is not None}
    except StoreError as error:
        return str(error)
    for of, step in named.items():
        if not one.owns(step):
            one.fault(f"its {of} is a step of another: {_settings(step)}, at step {step.id}.")
    if len(named) < 2 or shown["address"] != shown["chosen"]:
        return f"the address names step {shown['address']}, the path shows {shown['chosen']}."
    if shown["numbers"] == _numbers(named["chosen"]):
        return None
    alike = [
        step
        for step in (store.load(node_id, groups=()) for node_id in store.ids())
        if _numbers(step) == shown["numbers"]
    ]
    if alike and not any(one.owns(step) for step in alike):
        one.fault(f"it was shown the numbers of another: {_settings(alike[0])}, at step {alike[0].id}.")
    return f"at step {shown['chosen']} the page shows {shown['numbers']}, the store has {_numbers(named['chosen'])}."


def _numbers(step: Snapshot) -> list[str]:
    """What the cards say of a step."""
    rows = step.record.get("accuracy", {}).get("validation", [])
    return [markup.percent(share) for share in rows[-1]] if rows else []


def _settings(step: Snapshot) -> str:
    return f"seed {step.config.machine.seed}, {step.config.invert.images_per_class} images a class"
