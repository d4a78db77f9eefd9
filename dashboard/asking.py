"""Questions to the small CLIP: which names fit which pictures. Answered beside the page, by a thread of their own.

What needs no thinking is known at once: the first pictures of each kind, with their own names.
"""

import functools
import hashlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cl_core import datasets
from cl_core.datasets import emoji
from cl_core.pretraining import contest, gallery
from cl_core.pretraining.gallery import Gallery
from dashboard.job import Job, Registry, Step

OWN = "own"  # a person's picture, in the place of a kind of gallery
ASKS = Registry(limit=1, keep=48)  # beside the jobs that compute: an answer takes a moment


@dataclass(frozen=True)
class Question:
    """Pictures (a kind and its number, or a person's own as bytes) and the names that compete on them."""

    kind: str
    number: int
    names: tuple[str, ...]
    in_sentences: bool = True
    own: bytes = b""  # uint8 (3, h, w), when the kind is OWN
    side: int = 32

    @property
    def id(self) -> str:
        """The same question asked twice is one job."""
        plain = repr((self.kind, self.number, self.names, self.in_sentences, self.own))
        return f"ask-{hashlib.sha256(plain.encode('utf-8', 'replace')).hexdigest()[:16]}"

    @property
    def prompts(self) -> list[list[str]]:
        return gallery.prompts(self.names, self.kind, self.in_sentences)


def question(kind: str, number: int, text: str, in_sentences: bool, own: np.ndarray | None) -> Question:
    """What is asked with these names, one a line; without any, with those of what is to be seen. DataError."""
    names = tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if kind != OWN:
        return Question(kind, number, names or pictures(kind, number).names, in_sentences)
    assert own is not None
    return Question(OWN, 0, names or emoji.read().groups, in_sentences, own.tobytes(), own.shape[-1])


@functools.lru_cache(maxsize=64)
def pictures(kind: str, number: int) -> Gallery:
    """The pictures of a kind. Raises DataError."""
    return gallery.draw(kind, number, contest.shipped()[0])


@functools.lru_cache(maxsize=2)
def never_shown(kind: str) -> tuple[str, ...]:
    """Names of "things" or "clothes" that the small CLIP can read and was never shown. Raises DataError."""
    return gallery.never_shown(kind, contest.shipped()[0])


@functools.lru_cache(maxsize=1)
def readable_classes() -> tuple[int, ...]:
    """The classes of emoji-concepts, by number, whose names the small CLIP can read. Raises DataError."""
    concepts, unreadable = emoji.read().concepts, contest.shipped()[0]
    names = {concepts[i].name for i in unreadable}
    return tuple(i for i, name in enumerate(datasets.load("emoji-concepts").class_names) if name not in names)


def shown(asked: Question) -> Gallery:
    """The pictures that a question is about; nobody knows what a person's own shows."""
    if asked.kind != OWN:
        return pictures(asked.kind, asked.number)
    own = np.frombuffer(asked.own, np.uint8).reshape(1, 3, asked.side, asked.side)
    return Gallery(own, ("",), (False,))


def known(asked: Question) -> np.ndarray | None:
    """Probabilities (n, names) as far as nobody has to be asked for them. Raises DataError."""
    first = asked.kind in gallery.KINDS and asked.number == 0 and asked.in_sentences
    if first and asked.names == pictures(asked.kind, 0).names:
        return contest.shipped()[1][asked.kind]
    job = ASKS.get(asked.id)
    return job.result if job is not None and job.state == "done" else None


def ask(asked: Question) -> Job:
    """The job that answers a question: the one that has begun, or a new one."""
    job = ASKS.get(asked.id)
    return (
        job if job is not None and job.state != "cancelled" else ASKS.submit("Ask", lambda: answering(asked), asked.id)
    )


def answering(asked: Question) -> Generator[Step, None, np.ndarray]:
    """The work of such a job. Raises ConfigError for names that cannot compete, DataError."""
    contest.check_names(asked.names)
    yield Step("Waking the small CLIP up, once")
    clip = small_clip()
    yield Step("Asking")
    return contest.hold(clip, shown(asked).images, asked.prompts)


@functools.lru_cache(maxsize=1)
def small_clip() -> Any:
    """The small CLIP, read once for the process; nobody changes it. Raises ConfigError."""
    from cl_core.backbones.small_clip import load_small  # brings torch

    return load_small()
