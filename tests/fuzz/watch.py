"""What an input may not do, watched from inside the interpreter: write outside, unpickle, go online, hang, blow up."""

import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECONDS = 5.0  # more is a hang
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PATHS = {  # audit events that change the disk: which of their arguments are paths, and the folders they start from
    "os.mkdir": ((0, 2),), "os.rename": ((0, 2), (1, 3)), "os.remove": ((0, 1),), "os.rmdir": ((0, 1),),
    "os.symlink": ((1, 2),), "os.link": ((1, 3),), "os.truncate": ((0, None),), "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),), "os.utime": ((0, 3),),
}  # fmt: skip
FORBIDDEN = ("pickle.find_class", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec")


class Hang(BaseException):
    """An input took longer than SECONDS."""


@dataclass
class Tally:
    """What happened to the inputs of one door."""

    inputs: int = 0
    taken: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)  # tracebacks
    hangs: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)  # writes outside, and what is forbidden
    slowest: float = 0.0
    sentences: Counter = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        return not (self.faults or self.hangs or self.outside)


_inside: Path | None = None  # where may be written; None: nobody watches
_forbidden = FORBIDDEN
_seen: list[str] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _inside is None:
        return
    if event == "open":
        path, mode, flags = arguments
        writes = any(c in mode for c in "wax+") if isinstance(mode, str) else bool((flags or 0) & WRITING)
        if writes:
            _look(event, path)
    elif event in PATHS:
        for path, folder in PATHS[event]:
            _look(event, arguments[path], -1 if folder is None else arguments[folder])
    elif event.startswith(_forbidden):
        _seen.append(f"{event} {arguments!r:.200}")


def _look(event: str, path: Any, folder: int = -1) -> None:
    """folder: the descriptor of the folder that a path starts from; −1: the current one."""
    if isinstance(path, str | bytes | os.PathLike):
        start = Path(os.readlink(f"/proc/self/fd/{folder}")) if folder >= 0 else Path.cwd()
        full = start / os.fsdecode(path)
        where = Path(os.path.normpath(full))
        if _inside is not None and not where.is_relative_to(_inside) and str(where) != os.devnull:
            _seen.append(f"{event} {where}")


sys.addaudithook(_audit)


def enter(
    door: Callable[[], Any],
    refusals: tuple[type[Exception], ...],
    inside: Path,
    told: Tally,
    what: str,
    forbidden: tuple[str, ...] = FORBIDDEN,
) -> Any:
    """Bring one input to its door and note what happens. refusals: errors whose message is a sentence for people.

    inside: the folder in which may be written; forbidden: audit events that must not happen.
    Returns what the door gave, or None when it refused.
    """
    global _inside, _forbidden
    told.inputs += 1
    _seen.clear()
    _inside, _forbidden = inside, forbidden
    previous = signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    began, result = time.monotonic(), None
    try:
        result = door()
        told.taken += 1
    except refusals as error:
        told.refused += 1
        if "\n" in str(error) or not str(error).strip():
            told.faults.append(f"{what}: no sentence: {str(error)[:200]!r}")
        told.sentences[type(error).__name__] += 1
    except Hang:
        told.hangs.append(what)
    except Exception:
        told.faults.append(f"{what}\n{traceback.format_exc()[-1500:]}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        _inside = None
        told.slowest = max(told.slowest, time.monotonic() - began)
        told.outside += [f"{what}: {event}" for event in _seen]
    return result


def _alarm(*_: Any) -> None:
    raise Hang
