"""Fetching a well-known image set beside the page: a child process does it, so that it can be stopped at any time.

The child is `python -m cl_core data NAME --fetch`; torchvision and torch stay out of this process. How far it is, is
read off what has arrived on disk.
"""

import dataclasses
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator

from cl_core.datasets import DataError, vision
from dashboard.job import Job, Registry, Step

FETCHES = Registry(limit=2, grace=3600.0)  # beside the jobs that compute; one may look at other pages meanwhile


@dataclasses.dataclass(frozen=True)
class Arrived:
    """How much of a set is here: 0 … 1, and 1 while it is unpacked and checked."""

    fraction: float


def job(name: str) -> Job | None:
    """The newest attempt to fetch a set."""
    return FETCHES.get(f"fetch-{name}")


def start(name: str) -> Job:
    """Fetch a set; asked for twice, it is fetched once."""
    return FETCHES.submit(f"Fetch {vision.SOURCES[name].title}", lambda: fetching(name), f"fetch-{name}")


def fetching(name: str, pause: float = 0.3) -> Generator[Step | Arrived, None, None]:
    """The work of such a job. Raises DataError with the child's last sentence when it fails."""
    source = vision.SOURCES[name]
    yield Step(f"Fetching {source.title}")
    with tempfile.TemporaryFile() as told:  # a file: a pipe would be full at some time
        command = [sys.executable, "-m", "cl_core", "data", name, "--fetch"]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=told)
        try:
            while child.poll() is None:
                yield Arrived(min(1.0, arrived(name) / source.size))
                time.sleep(pause)
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
                shutil.rmtree(vision.arriving(name), ignore_errors=True)
        if child.returncode:
            told.seek(0)
            lines = told.read().decode(errors="replace").replace("\r", "\n").split("\n")
            words = [line.strip() for line in lines if line.strip()]
            raise DataError(words[-1] if words else f"Fetching {source.title} was stopped by the system.")


def arrived(name: str) -> int:
    """Bytes of a set that have come over the network so far."""
    try:
        return sum(file.stat().st_size for file in vision.arriving(name).rglob("*") if file.is_file())
    except OSError:  # it was moved to its place this very moment
        return 0
