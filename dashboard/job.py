"""Long work beside the page: a process-wide registry of jobs, each a generator drained by a thread of its own.

A job never touches Streamlit, and this module imports neither Streamlit nor torch. The page reads a job's mailbox
whenever it likes; nothing is consumed by reading, so a refreshed page finds the same story. To cancel is to close the
generator at its next yield, or to stop it at its next pulse (cl_core/pulse.py) if that is earlier. A job whose page has
not been heard of for a while ends the same way.
"""

import dataclasses
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from cl_core.config import ConfigError
from cl_core.datasets import DataError
from cl_core.events import Diverged
from cl_core.pulse import Stopped, listening
from cl_core.store import StoreError
from dashboard import imports

Work = Generator[Any, None, Any]
FOR_PEOPLE = (ConfigError, DataError, StoreError, Diverged)  # their messages are sentences for people


@dataclasses.dataclass(frozen=True)
class Step:
    """A new part of the work begins; the mailbox forgets the events of the part before. number 0: getting ready."""

    words: str
    number: int = 1
    of: int = 1


@dataclasses.dataclass(frozen=True)
class Made:
    """A part of the result exists from now on: the id of a snapshot."""

    node: str


class Mailbox:
    """The events of the current part, at most `limit`: when full, every other one is dropped, so that the whole
    story stays, at half the resolution. Only the newest event keeps its images."""

    def __init__(self, limit: int = 600) -> None:
        self._limit, self._items, self._lock = limit, list[Any](), threading.Lock()

    def post(self, item: Any) -> None:
        with self._lock:
            if self._items and getattr(item, "images", None) is not None:
                self._items = [_without_images(old) for old in self._items]
            self._items.append(item)
            if len(self._items) > self._limit:
                self._items = _thinned(self._items, self._limit)

    def clear(self) -> None:
        with self._lock:
            self._items = []

    def read(self) -> list[Any]:
        """A copy of what is there, oldest first."""
        with self._lock:
            return list(self._items)


def _thinned(items: list[Any], limit: int) -> list[Any]:
    """About half of the items, the last one included; those with accuracies, which are rare, stay if they can."""
    last, marked = len(items) - 1, [bool(getattr(item, "accuracies", ())) for item in items]
    if sum(marked) > limit // 2:
        marked = [False] * len(items)
    return [item for i, item in enumerate(items) if i % 2 == 0 or i == last or marked[i]]


def _without_images(item: Any) -> Any:
    return dataclasses.replace(item, images=None) if getattr(item, "images", None) is not None else item


class Job:
    """One piece of work. Read its attributes from anywhere; only the registry changes them."""

    def __init__(self, id: str, title: str, work: Callable[[], Work], expected: Sequence[float | None] = ()) -> None:
        self.id, self.title, self.work = id, title, work
        self.expected = tuple(expected)  # seconds of each step, None where nobody knows
        self.state = "queued"  # then "running", then "done", "failed" or "cancelled"
        self.mailbox = Mailbox()
        self.step = Step(title, 0)
        self.step_started = time.monotonic()
        self.spent: list[float] = []  # seconds of each step that is over
        self.made: list[str] = []  # ids of the snapshots made so far
        self.result: Any = None
        self.message = ""  # failed: one sentence; cancelled: why
        self.details = ""  # failed: the traceback
        self.stop_reason = ""  # not empty: it is to stop as soon as it can
        self.last_seen = time.monotonic()
        self.ended = 0.0
        self.size = 0  # bytes that it holds on to, once it is over

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")


class Registry:
    """All the jobs of this process.

    limit: how many compute at the same time; grace: seconds without a page that asks, after which a job is stopped.
    Of finished jobs, the latest are remembered: keep of them, while they take no more than most bytes together, each as
    long as it was asked for within `age` seconds.
    """

    def __init__(
        self, limit: int = 1, grace: float = 150.0, keep: int = 24, most: int = 50_000_000, age: float = 3600.0
    ) -> None:
        self.limit, self.grace, self.keep, self.most, self.age = limit, grace, keep, most, age
        self._jobs: dict[str, Job] = {}
        self._queue: list[Job] = []
        self._running: set[str] = set()
        self._lock = threading.RLock()

    def submit(
        self, title: str, work: Callable[[], Work], id: str | None = None, expected: Sequence[float | None] = ()
    ) -> Job:
        """Start a job, or queue it. With an id of a job that is still active, that job is returned instead."""
        import numpy  # noqa: F401  (whole before a worker imports torch: a figure drawn meanwhile can fail otherwise)

        imports.pandas()
        with self._lock:
            known = self._jobs.get(id or "")
            if known is not None and known.active:
                known.last_seen = time.monotonic()
                return known
            job = Job(id or uuid.uuid4().hex[:12], title, work, expected)
            self._jobs[job.id] = job
            self._queue.append(job)
            self._evict()
            self._start_next()
            return job

    def get(self, id: str) -> Job | None:
        """The job of that id, if it is still remembered. Asking keeps it alive."""
        with self._lock:
            self._evict()
            job = self._jobs.get(id)
            if job is not None:
                job.last_seen = time.monotonic()
            return job

    def ahead(self, job: Job) -> list[Job]:
        """The jobs that must end before this one may start: none when it is running or over."""
        with self._lock:
            if job not in self._queue:
                return []
            return [self._jobs[id] for id in self._running] + self._queue[: self._queue.index(job)]

    def cancel(self, job: Job, reason: str = "You cancelled it.") -> None:
        """Ask a job to stop: at once when it waits, at its next yield or pulse when it runs."""
        with self._lock:
            if job in self._queue:
                self._queue.remove(job)
                self._finish(job, "cancelled", reason)
            elif job.active:
                job.stop_reason = job.stop_reason or reason

    def _start_next(self) -> None:
        while self._queue and len(self._running) < self.limit:
            job = self._queue.pop(0)
            self._running.add(job.id)
            job.state, job.step_started = "running", time.monotonic()
            threading.Thread(target=self._drain, args=(job,), name=f"job {job.id}", daemon=True).start()

    def _drain(self, job: Job) -> None:
        state, message, details = "done", "", ""
        try:
            job.result = self._follow(job)
            if job.stop_reason:
                state, message = "cancelled", job.stop_reason
        except BaseException as error:  # a thread must not die without a word
            state, message, details = "failed", sentence(error), traceback.format_exc()
        with self._lock:
            self._running.discard(job.id)
            self._finish(job, state, message, details)
            self._start_next()

    def _follow(self, job: Job) -> Any:
        """Drain the generator; end it when the job is to stop. Returns what the generator returns."""
        work = job.work()
        try:
            with listening(lambda: self._is_to_stop(job)):
                while not self._is_to_stop(job):
                    _take(job, next(work))
        except StopIteration as end:
            job.stop_reason = ""  # it was over before it could be stopped
            return end.value
        except Stopped:
            pass
        finally:
            work.close()
        return None

    def _is_to_stop(self, job: Job) -> bool:
        if time.monotonic() - job.last_seen > self.grace:
            job.stop_reason = job.stop_reason or "Its page was closed."
        return bool(job.stop_reason)

    def _finish(self, job: Job, state: str, message: str, details: str = "") -> None:
        job.message, job.details, job.ended = message, details, time.monotonic()
        job.size = _size([job.mailbox.read(), job.result, message, details])
        job.state = state  # last: whoever sees the state sees the rest
        job.work = lambda: (_ for _ in ())  # let go of what the work held

    def _evict(self) -> None:
        """Forget finished jobs that are too many, too large together, or that nobody has asked for any more."""
        left, size = self.keep, self.most
        for job in sorted((job for job in self._jobs.values() if not job.active), key=lambda job: -job.ended):
            left, size = left - 1, size - job.size
            if left < 0 or size < 0 or time.monotonic() - job.last_seen > self.age:
                del self._jobs[job.id]


def _size(value: Any) -> int:
    """Bytes of a value and what it holds: of arrays and text what they take, a guess for the rest."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Mapping):
        return 64 + sum(_size(part) for part in value.values())
    if isinstance(value, list | tuple):
        return 64 + sum(map(_size, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return 64 + sum(_size(getattr(value, field.name)) for field in dataclasses.fields(value))
    return int(getattr(value, "nbytes", 32))


def _take(job: Job, item: Any) -> None:
    """What a job has just yielded: a new step, a part of its result, or something to tell."""
    if isinstance(item, Step):
        job.mailbox.clear()
        if job.step.number:  # getting ready is no step
            job.spent = [*job.spent, time.monotonic() - job.step_started]
        job.step, job.step_started = item, time.monotonic()
    elif isinstance(item, Made):
        job.made = [*job.made, item.node]
    else:
        job.mailbox.post(item)


def sentence(error: BaseException) -> str:
    """What went wrong, for people."""
    if isinstance(error, FOR_PEOPLE):
        return str(error)
    text = str(error).strip().split("\n")[0]
    return (
        f"The computation stopped with an error it did not expect ({type(error).__name__}{': ' if text else ''}{text})."
    )


REGISTRY = Registry()
