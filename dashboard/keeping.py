"""The files of a store in a session that must not lose anything: what the disk refuses is kept in memory.

A full disk, a folder that may not be written, a disk that is gone: the session goes on, everything is found again as
if it had been saved, and can be exported. As soon as the disk takes a file again, what was kept is written first, in
the order in which it came: a step's arrays are on disk before the step that names them. No Streamlit, no torch.
"""

import contextlib
import threading
import time
from pathlib import Path

from cl_core.files import Files

MOST = 2_000_000_000  # bytes that are kept at most


class Keeping(Files):
    """A folder with memory behind it. trouble: a sentence while something is in memory only."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.trouble = ""
        self._kept: dict[str, tuple[float, bytes]] = {}  # name → (seconds since 1970, content), oldest first
        self._lock = threading.RLock()

    def names(self, folder: str, ending: str) -> list[str]:
        with self._lock:
            kept = [name for name in self._kept if name.startswith(f"{folder}/") and name.endswith(ending)]
        on_disk = super().names(folder, ending)
        return [name for name in on_disk if name not in kept] + kept

    def made(self, name: str) -> float | None:
        with self._lock:
            return self._kept[name][0] if name in self._kept else super().made(name)

    def size(self, name: str) -> int:
        with self._lock:
            return len(self._kept[name][1]) if name in self._kept else super().size(name)

    def read(self, name: str) -> bytes:
        with self._lock:
            if name in self._kept:
                return self._kept[name][1]
        return super().read(name)

    def write(self, name: str, content: bytes) -> None:
        """Write a file, after those that wait; when that cannot be, keep it. Raises OSError when that is too much."""
        with self._lock:
            try:
                for waiting in list(self._kept):
                    super().write(waiting, self._kept[waiting][1])
                    del self._kept[waiting]
                super().write(name, content)
                self.trouble = ""
            except OSError as error:
                if len(content) + sum(len(kept) for _, kept in self._kept.values()) > MOST:
                    raise
                self._kept[name] = time.time(), content
                self.trouble = (
                    f"Nothing can be saved in {self.path} ({error.strerror or error}). You can go on: new steps are "
                    "kept in memory until this program ends or they can be written; “Export” takes them along."
                )

    def touch(self, name: str) -> None:
        with self._lock:
            if name in self._kept:
                return
        try:
            super().touch(name)
        except FileNotFoundError:
            raise
        except OSError:  # nobody who may not write here can remove it either
            if self.made(name) is None:
                raise FileNotFoundError(name) from None

    def remove(self, name: str) -> None:
        with self._lock:
            self._kept.pop(name, None)
            if super().made(name) is not None:
                super().remove(name)

    def remove_if_old(self, name: str, age: float) -> int:
        with self._lock:
            if name in self._kept:
                return len(self._kept.pop(name)[1])
        return super().remove_if_old(name, age)

    def set_aside(self, name: str) -> str:
        with self._lock:
            if name in self._kept:
                raise OSError(f"{name} is in memory only")
        with contextlib.suppress(FileNotFoundError):
            return super().set_aside(name)
        raise OSError(f"{name} is not there")
