"""An independent oracle: another network, trained on all the real images, that names what inversion has made.

What a network thinks of images made for it is worthless (TRIALS.md §2): it takes noise for a shoe if the noise was
fitted to its features. The oracle has another architecture and another seed, and has never met the network it judges.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cl_core import datasets, experiment, measure
from cl_core.backbones import Backbone
from cl_core.config import Config
from cl_core.events import Event
from cl_core.images import Normaliser
from cl_core.state import State
from cl_core.store import Store

SEED = 1000
SETTINGS: dict[str, dict[str, Any]] = {
    "network": {"width": 24, "blocks": 1, "pool": 2, "stem_stride": 2},
    "learn": {"strategy": "finetune", "epochs_first": 12, "lr_first": 0.1, "schedule": "cosine", "shift": 2},
    "machine": {"seed": SEED},
}


@dataclass(frozen=True)
class Oracle:
    """The trained network; accuracy: on real test images of all the classes; trained_on: in words."""

    network: Backbone
    normalise: Normaliser
    accuracy: float
    class_accuracy: tuple[float, ...]
    trained_on: str

    def name(self, images: Tensor) -> Tensor:
        """The data set's label (n,) that the oracle gives to each unit image (n, c, h, w)."""
        features = measure.features_of(self.network, self.normalise(images))
        with torch.no_grad():
            return self.network.head(features).argmax(1)

    def name_arrays(self, images: np.ndarray) -> np.ndarray:
        """The same for unit images in a snapshot's arrays."""
        device = self.network.device
        return self.name(torch.tensor(images, device=device).float()).cpu().numpy()


def config_for(config: Config) -> Config:
    """The oracle's own experiment: all the classes of the same data in one task, every training image, its own seed."""
    classes = len(datasets.load(config.stream.data).class_names)
    stream = {"data": config.stream.data, "increment": classes, "train_per_class": 10000}
    machine = {"device": config.machine.device, "threads": config.machine.threads}
    return Config().override(SETTINGS | {"stream": stream, "machine": SETTINGS["machine"] | machine})


def known(config: Config, store: Store) -> Oracle | None:
    """The oracle for the data of `config`, if a store has it. Raises DataError."""
    own = config_for(config)
    if experiment.step_id(experiment.start(own), "learn", own) not in store:
        return None
    work = train(config, store)
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: Oracle = end.value
            return found


def train(config: Config, store: Store | None = None) -> Generator[Event, None, Oracle]:
    """The oracle for the data of `config`: from the store if it is there. Raises DataError."""
    own = config_for(config)
    root = experiment.start(own)
    if store is not None:
        store.save(root)
    snapshot = yield from experiment.grow(root, "learn", own, store)
    state = State.of(snapshot, own)
    images = len(state.stream.experience(0).train)
    words = f"{images} real training images of {len(snapshot.class_names)} classes, {own.learn.epochs_first} epochs"
    record = snapshot.record
    return Oracle(
        state.network,
        state.normalise,
        record["total_accuracy"]["test"][-1],
        tuple(record["class_accuracy"]["test"][-1]),
        words,
    )
