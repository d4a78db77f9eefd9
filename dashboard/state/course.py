"""The Lessons page: `lesson`, `guess` (the prediction, once the lesson was run) and `try` (a value of one's own)."""

from typing import Any

from dashboard.state.address import parameter, set_parameter
from dashboard.state.session import keep
from dashboard.state.tuning import as_text


def lesson() -> str | None:
    """The key of the lesson one is at."""
    return parameter("lesson")


def go_to_lesson(key: str) -> None:
    """Another lesson, from its beginning; a run that is under way goes on."""
    for name in ("guess", "try"):
        set_parameter(name, None)
    set_parameter("lesson", key)


def guess() -> str | None:
    """What was predicted: the key of an option, "none" without a prediction; None before the lesson was run."""
    return parameter("guess")


def set_guess(option: str | None) -> None:
    set_parameter("guess", option)


def tried() -> str | None:
    """The text of the value of one's own."""
    return parameter("try")


def set_tried(value: Any) -> None:
    set_parameter("try", None if value is None else as_text(value))


def lessons_done() -> set[str]:
    """The keys of the lessons that this session saw to the end."""
    done: set[str] = keep("lessons_done", set())
    return done
