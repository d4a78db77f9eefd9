"""Stopping a computation between two of its events.

A verb is a generator, and to cancel it is to stop iterating. Where it computes for long without an event to tell – a
pass through a deep network, a fit – it calls `pulse` between the parts. Whoever drains the generator may listen; when
it wants to stop, `Stopped` is raised there, like Ctrl-C, and every `finally` on the way out restores what it changed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Stopped(BaseException):
    """The computation is to end here. Not an Exception: nothing may take it for a fault and go on."""


_wanted: ContextVar[Callable[[], bool] | None] = ContextVar("stop wanted", default=None)


@contextmanager
def listening(wanted: Callable[[], bool]) -> Iterator[None]:
    """Within the block, in this thread, `pulse` asks whether it is wanted to stop."""
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


def pulse(*_: object) -> None:
    """Raise Stopped when it is wanted; nothing otherwise, and when nobody listens. Takes anything: it is a hook too."""
    wanted = _wanted.get()
    if wanted is not None and wanted():
        raise Stopped
