"""A class never shown: what is asked about it, the job that answers, and the answer as plain arrays. No torch."""

import dataclasses
import hashlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cl_core import presets
from cl_core.config import UnseenConfig
from dashboard.asking import small_clip
from dashboard.job import REGISTRY, Job, Step

if TYPE_CHECKING:
    from cl_core.dreams import Dream
    from cl_core.newcomer import Plane
    from cl_core.unseen import Accuracy, Guess, Lender

SEED = 0


@dataclass(frozen=True)
class Asked:
    """A class by its name, the world into which it comes, and the settings."""

    world: str
    name: str
    config: UnseenConfig

    @property
    def id(self) -> str:
        """The same asked twice is one job."""
        plain = repr((self.world, self.name, self.config))
        return f"new-{hashlib.sha256(plain.encode('utf-8', 'replace')).hexdigest()[:16]}"


@dataclass(frozen=True)
class Found:
    """What is known of it. lenders nearest first, each with its plane and a picture (k, 3, h, w); cloud: see

    cl_core.newcomer; guesses: none without real images; withheld: whether the small CLIP was kept from the class, None
    when nobody knows; accuracies: shares by what was learned from.
    """

    name: str
    old: int
    lenders: "tuple[Lender, ...]"
    planes: "tuple[Plane, ...]"
    pictures: np.ndarray
    truth_pictures: np.ndarray
    cloud: dict[str, np.ndarray]
    guesses: "tuple[Guess, ...]"
    withheld: bool | None
    accuracies: "dict[str, Accuracy]"


@dataclass(frozen=True)
class Advice:
    """How long to learn, and with what weight of the new class, by old classes that played it; and what came of it."""

    steps: int
    weight: float
    learned: "Accuracy"


BEFORE, FEATURES, IMAGES = "its name alone", "projected features", "dreamed pictures"  # what is learned from
ADVISED = "projected features, as advised"
PICTURES = 24  # that are dreamed


def ask(asked: Asked) -> Job:
    """The job that answers: the one that has begun, or a new one. It waits for runs that compute."""
    job = REGISTRY.get(asked.id)
    if job is not None and job.state != "cancelled":
        return job
    return REGISTRY.submit(f"A class never shown: {asked.name}", lambda: answering(asked), asked.id)


def answering(asked: Asked) -> Generator[Step, None, Found]:
    """The work of such a job. Raises ConfigError, DataError, Diverged."""
    clip = yield from _awake()
    from cl_core import newcomer, unseen

    yield Step("Looking at the old classes")
    world = newcomer.world(clip, asked.world, asked.name)
    yield Step("Projecting")
    new = unseen.propose(world.old, world.name, world.prototype, asked.config, SEED)
    judged = unseen.judge(world.old, new, world.truth) if len(world.truth) >= unseen.LEAST_IMAGES else None
    before = newcomer.accuracy(world, unseen.zero_shot(world.old, [new]))
    yield Step("Learning from the projected features")
    adapted = unseen.adapt(world.old, [new], asked.config, SEED)
    while True:
        try:
            next(adapted)
        except StopIteration as end:
            after = newcomer.accuracy(world, end.value)
            break
    return Found(
        world.name,
        len(world.old),
        new.lenders,
        tuple(newcomer.planes(world, new.lenders, SEED)),
        world.pictures[[lender.index for lender in new.lenders]],
        world.truth_pictures,
        newcomer.cloud(world, new, SEED),
        judged.guesses if judged else (),
        world.withheld,
        {BEFORE: before, FEATURES: after},
    )


def advice_id(asked: Asked) -> str:
    """The job that asks the old classes for advice."""
    return asked.id.replace("new-", "advice-")


def advise(asked: Asked) -> None:
    """Let old classes play the new one and tell how far to learn, unless that is under way."""
    REGISTRY.submit(f"Advice on {asked.name}", lambda: advising(asked), advice_id(asked))


def advising(asked: Asked) -> Generator[Any, None, Advice]:
    """The work of such a job. Raises ConfigError, DataError, Diverged."""
    clip = yield from _awake()
    from cl_core import newcomer, unseen, unseen_choice

    world = newcomer.world(clip, asked.world, asked.name)
    yield Step("Old classes play the new one, each in turn")
    stage = unseen_choice.Stage(world.name, world.old, world.learned)
    advised = unseen_choice.of_all(stage, asked.config, SEED)
    new = unseen.propose(world.old, world.name, world.prototype, asked.config, SEED)
    learned = yield from unseen.adapt(world.old, [new], advised, SEED)
    return Advice(advised.steps, advised.new_weight, newcomer.accuracy(world, learned))


def dream_id(asked: Asked) -> str:
    """The job that dreams pictures of what is asked."""
    return asked.id.replace("new-", "dream-")


def dream(asked: Asked) -> None:
    """Dream pictures of a class and learn from them, unless that is under way."""
    REGISTRY.submit(f"Dream of {asked.name}", lambda: dreaming(asked), dream_id(asked))


def dreaming(asked: Asked) -> Generator[Any, None, "Dream"]:
    """The work of such a job: steps, and the events of the inversion. Raises ConfigError, DataError, Diverged."""
    clip = yield from _awake()
    from cl_core import dreams, newcomer, unseen

    world = newcomer.world(clip, asked.world, asked.name)
    new = unseen.propose(world.old, world.name, world.prototype, asked.config, SEED)
    yield Step("Dreaming")
    settings = dataclasses.replace(presets.preset("clip-demo").invert, images_per_class=PICTURES)
    return (yield from dreams.dream(clip, world, new, settings, asked.config, SEED))


def _awake() -> Generator[Step, None, Any]:
    """The small CLIP, on one thread: the steps here are too small to gain from more, and a run sets its own number."""
    yield Step("Waking the small CLIP up, once")
    clip = small_clip()
    import torch

    torch.set_num_threads(1)
    return clip
