"""Running a generator of the core to its end, where nobody looks on."""

from collections.abc import Generator
from typing import Any


def done(steps: Generator[Any, None, Any]) -> Any:
    """What a generator returns in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
