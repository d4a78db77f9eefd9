"""How long one waits is what is left of the run that computes, and all of those that wait before."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from cl_core.events import Event
from dashboard import waiting
from dashboard.job import REGISTRY, Job, Step


def started(expected: Sequence[float | None], fraction: float, go_on: threading.Event) -> Job:
    def work() -> Iterator[Step | Event]:
        yield Step("learns", 1, 2)
        yield Event("learn", 1, 10, fraction)
        go_on.wait(10)

    return REGISTRY.submit("work", work, expected=expected)


def until(there: Callable[[], object]) -> None:
    limit = time.monotonic() + 10
    while not there():
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("fraction", "first", "words"),
    [
        (0.0, (40.0, 20.0), "2 runs ahead of yours · about 70 s"),  # 60 of the first and 10 of the second
        (0.5, (0.001, 20.0), "2 runs ahead of yours · about 30 s"),  # half done at once: what it needs now is nothing
        (0.0, (40.0, None), "2 runs ahead of yours"),  # nobody knows, nobody says
    ],
)
def test_a_wait_is_told_as_far_as_it_is_known(fraction: float, first: Sequence[float | None], words: str):
    go_on = threading.Event()
    jobs = [started(first, fraction, go_on)]
    try:
        until(jobs[0].mailbox.read)
        jobs += [started(expected, 0.0, go_on) for expected in ((4.0, 6.0), (1.0,))]
        assert waiting.in_words(jobs[2]) == words
        assert waiting.in_words(jobs[0]) == ""
    finally:
        for job in reversed(jobs):
            REGISTRY.cancel(job)
        go_on.set()
    until(lambda: not jobs[0].active)
    assert waiting.in_words(jobs[2]) == ""
