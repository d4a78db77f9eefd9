"""The files of a folder by name, as in "nodes/a0.json": each is there whole or not at all. Known to the store alone."""

import contextlib
import os
import tempfile
import time
from pathlib import Path

PART = ".part"  # ending of a file that is being written
DAMAGED = "damaged"  # sub-folder of what was set aside


class Files:
    """A folder. Every method but `names` and `made` raises OSError when the disk refuses."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def names(self, folder: str, ending: str) -> list[str]:
        """The names of the whole files of a sub-folder, oldest first."""
        found = []
        for file in (self.path / folder).glob(f"[!.]*{ending}"):
            with contextlib.suppress(FileNotFoundError):  # removed by another process meanwhile
                found.append((file.stat().st_mtime, f"{folder}/{file.name}"))
        return [name for _, name in sorted(found)]

    def made(self, name: str) -> float | None:
        """When a file was written, in seconds since 1970; None when it is not there."""
        file = self.path / name
        return file.stat().st_mtime if file.is_file() else None

    def size(self, name: str) -> int:
        """Bytes of a file."""
        return (self.path / name).stat().st_size

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return (self.path / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """Write a file, or write it anew."""
        write_whole(self.path / name, content)

    def touch(self, name: str) -> None:
        """Say that a file is in use again, so that whoever prunes leaves it. FileNotFoundError when it is not there."""
        os.utime(self.path / name)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        (self.path / name).unlink(missing_ok=True)

    def remove_if_old(self, name: str, age: float) -> int:
        """Remove a file unless it was written or touched within `age` seconds. Returns the bytes that it had, or 0.

        It is set aside by rename before its age is looked at for the last time: a process that touches it either did
        so before, and it is put back, or does not find it, and writes it anew.
        """
        file = self.path / name
        aside = file.with_name(f".{file.name}{PART}")
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            if time.time() - file.stat().st_mtime < age:
                return 0
            os.replace(file, aside)
            found = aside.stat()
            if time.time() - found.st_mtime < age:
                os.replace(aside, file)
            else:
                aside.unlink()
                return found.st_size
        return 0

    def unfinished(self, folder: str) -> list[str]:
        """What a killed process left of its writing and removing in a sub-folder."""
        return sorted(f"{folder}/{file.name}" for file in (self.path / folder).glob(f".*{PART}"))

    def put_back(self, name: str) -> str | None:
        """Give a file back its name when a process was killed as it removed it: the name; None when that was not so."""
        file = self.path / name
        back = file.with_name(file.name.removeprefix(".").removesuffix(PART))
        if "." not in back.name:  # a file that was being written; it has no name yet
            return None
        if not back.exists():
            with contextlib.suppress(FileNotFoundError):
                os.replace(file, back)
        return f"{Path(name).parent}/{back.name}"

    def set_aside(self, name: str) -> str:
        """Move a damaged file to the sub-folder `damaged`, where nobody reads it. Returns its name there."""
        target = self.path / DAMAGED / Path(name).name
        target.parent.mkdir(parents=True, exist_ok=True)
        number = 1
        while target.exists():
            number += 1
            target = target.with_name(f"{Path(name).stem}.{number}{Path(name).suffix}")
        os.replace(self.path / name, target)
        return f"{DAMAGED}/{target.name}"


def write_whole(file: Path, content: bytes) -> None:
    """Write to a temporary name in the same folder, flush, rename: the file appears whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=PART)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
