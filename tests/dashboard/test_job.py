"""Jobs: done, cancelled, failed, queued, forgotten, orphaned; and what a mailbox keeps."""

import threading
import time

import numpy as np
import pytest

from cl_core.config import ConfigError
from cl_core.events import Event
from dashboard.job import Job, Made, Mailbox, Registry, Step


def wait(job: Job, *states: str, seconds: float = 5.0) -> None:
    limit = time.monotonic() + seconds
    while job.state not in states:
        assert time.monotonic() < limit, f"{job.state} instead of {states}"
        time.sleep(0.005)


def endless(closed: threading.Event):
    try:
        while True:
            time.sleep(0.01)
            yield Event("learn", 1, 10, 0.1)
    finally:
        closed.set()


def test_a_job_keeps_its_result_and_its_parts():
    def work():
        yield Step("one", 1, 2)
        yield Event("learn", 1, 1, 0.5)
        yield Made("a")
        yield Step("two", 2, 2)
        yield Event("learn", 1, 1, 0.7)
        return "b"

    job = Registry().submit("work", work)
    wait(job, "done")
    assert (job.result, job.made, job.step.words) == ("b", ["a"], "two")
    assert [event.fraction for event in job.mailbox.read()] == [0.7]  # of the current step only


def test_cancel_closes_the_generator_within_a_second():
    registry, closed = Registry(), threading.Event()
    job = registry.submit("work", lambda: endless(closed))
    wait(job, "running")
    began = time.monotonic()
    registry.cancel(job)
    wait(job, "cancelled")
    assert closed.is_set()
    assert time.monotonic() - began < 1.0
    assert job.message == "You cancelled it."


def test_an_error_is_caught_with_its_traceback_and_the_next_job_runs():
    def broken():
        yield Step("one")
        raise RuntimeError("the disk is on fire")

    registry = Registry()
    job = registry.submit("work", broken)
    wait(job, "failed")
    assert "RuntimeError: the disk is on fire" in job.message
    assert "in broken" in job.details
    after = registry.submit("more", lambda: iter_one("fine"))
    wait(after, "done")
    assert after.result == "fine"


def iter_one(value):
    yield Step("one")
    return value


def test_a_message_for_people_is_shown_as_it_is():
    def refused():
        yield Step("one")
        raise ConfigError("“Width” is 0; it must be a whole number from 4 to 64.")

    job = Registry().submit("work", refused)
    wait(job, "failed")
    assert job.message == "“Width” is 0; it must be a whole number from 4 to 64."


def test_the_queue_has_positions_and_a_waiting_job_can_be_cancelled():
    registry = Registry(limit=1)
    first, second, third = (registry.submit("work", lambda: endless(threading.Event())) for _ in range(3))
    wait(first, "running")
    assert (second.state, third.state) == ("queued", "queued")
    assert [registry.ahead(job) for job in (first, second, third)] == [[], [first], [first, second]]
    registry.cancel(second)
    assert second.state == "cancelled"
    assert registry.ahead(third) == [first]
    registry.cancel(first)
    wait(third, "running")
    registry.cancel(third)
    wait(third, "cancelled")


def test_finished_jobs_are_forgotten_in_time():
    registry = Registry(keep=2)
    jobs = []
    for _ in range(5):
        jobs.append(registry.submit("work", lambda: iter_one("x")))
        wait(jobs[-1], "done")
    assert [registry.get(job.id) is not None for job in jobs] == [False, False, False, True, True]


def test_finished_jobs_are_forgotten_when_they_are_large_or_nobody_asks_any_more():
    registry = Registry(most=3_000_000, age=1.0)
    large = [registry.submit("work", lambda: iter_one(np.zeros(1_000_000, np.uint8))) for _ in range(4)]
    wait(large[-1], "done")
    assert [registry.get(job.id) is not None for job in large] == [False, False, True, True]  # 2 are below 3 MB
    for _ in range(5):
        time.sleep(0.25)
        assert registry.get(large[3].id) is not None  # asked for, it stays
    assert registry.get(large[2].id) is None
    running = registry.submit("work", lambda: endless(threading.Event()))
    wait(running, "running")
    time.sleep(1.2)
    assert registry.get(running.id) is running  # what computes is never forgotten
    registry.cancel(running)
    wait(running, "cancelled")


def test_the_same_id_is_one_job_while_it_runs():
    registry = Registry()
    one = registry.submit("work", lambda: endless(threading.Event()), id="umap-1")
    assert registry.submit("work", lambda: endless(threading.Event()), id="umap-1") is one
    assert registry.get("umap-1") is one
    registry.cancel(one)
    wait(one, "cancelled")
    again = registry.submit("work", lambda: iter_one("x"), id="umap-1")
    assert again is not one
    wait(again, "done")


def test_a_job_whose_page_is_gone_stops():
    registry, closed = Registry(grace=0.05), threading.Event()
    job = registry.submit("work", lambda: endless(closed))
    wait(job, "cancelled")
    assert closed.is_set()
    assert job.message == "Its page was closed."


def test_asking_keeps_a_job_alive():
    registry = Registry(grace=0.3)
    job = registry.submit("work", lambda: endless(threading.Event()))
    for _ in range(12):
        time.sleep(0.05)
        registry.get(job.id)
    assert job.state == "running"
    registry.cancel(job)
    wait(job, "cancelled")


def test_a_full_mailbox_keeps_the_whole_story_at_lower_resolution():
    mailbox = Mailbox(limit=50)
    for i in range(1000):
        mailbox.post(Event("learn", i, 1000, i / 1000, accuracies=(0.5,) if i % 100 == 99 else ()))
    kept = [event.iteration for event in mailbox.read()]
    assert len(kept) <= 50
    assert kept == sorted(kept)
    assert kept[0] == 0
    assert kept[-1] == 999
    assert {99 + 100 * i for i in range(10)} <= set(kept)  # accuracies are rare, and stay


def test_only_the_newest_images_are_kept():
    mailbox = Mailbox()
    for i in range(3):
        mailbox.post(Event("layer", i, 3, 0.1, images=np.zeros((1, 2, 2, 1), np.uint8)))
    mailbox.post(Event("layer", 3, 3, 0.2))
    assert [event.images is not None for event in mailbox.read()] == [False, False, True, False]


@pytest.mark.parametrize("limit", [1, 2])
def test_no_more_jobs_run_than_the_limit(limit):
    registry = Registry(limit=limit)
    jobs = [registry.submit("work", lambda: endless(threading.Event())) for _ in range(4)]
    wait(jobs[limit - 1], "running")
    assert sum(job.state == "running" for job in jobs) == limit
    for job in jobs[::-1]:
        registry.cancel(job)
    for job in jobs:
        wait(job, "cancelled")
