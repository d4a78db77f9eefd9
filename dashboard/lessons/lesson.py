"""What a lesson is: a question, what one may predict, real runs that answer it, what the numbers say. Plain data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cl_core.snapshot import Snapshot

Overrides = Mapping[str, Mapping[str, Any]]
Numbers = Mapping[str, Mapping[str, float]]  # of each arm, by the keys of the lesson's measures
Setting = tuple[str, str]  # section, field

PRESET = "quick"
STREAM: Overrides = {"stream": {"tasks": 3}}  # the same for all lessons: those of one preset share a tree and its steps


@dataclass(frozen=True)
class Arm:
    """One of the runs that a lesson compares. name: its key; title: what figures call it; strategy: with its needs."""

    name: str
    title: str
    strategy: str = "pmi"
    overrides: Overrides = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Measure:
    """A number of a run that the lesson turns on. of: from its last snapshot; percent: whether 1 is the whole."""

    title: str
    of: Callable[[Snapshot], float]
    percent: bool = True


@dataclass(frozen=True)
class Verdict:
    """Which of the options the numbers bear out, and the sentence that says so."""

    answer: str
    sentence: str


@dataclass(frozen=True)
class Lesson:
    """A lesson. Texts are plain; equation and where are LaTeX.

    until: the verb and the number of tasks learned at which the runs end; from_first: whether the arms already differ
    while the first task is learned (otherwise they share that step); preset, stream: what its runs begin with, beside
    STREAM; control: the setting that the lesson is about; tries: the one to try another value of, on the arm
    `tries_on`; figures: how the result is drawn, by name.
    """

    key: str
    title: str
    question: str
    story: str
    options: Mapping[str, str]
    arms: tuple[Arm, ...]
    until: tuple[str, int]
    measures: Mapping[str, Measure]
    verdict: Callable[[Numbers], Verdict]
    figures: tuple[str, ...]
    look_for: str
    equation: str
    where: str
    explanation: str
    control: Setting
    tries: Setting
    tries_on: str
    from_first: bool = False
    preset: str = PRESET
    stream: Overrides = field(default_factory=lambda: MappingProxyType({}))
