"""Names compete on pictures: what a CLIP gives to each, and what is shipped of that (assets/clip/contests.json)."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cl_core.config import ConfigError
from cl_core.datasets import ASSETS, DataError
from cl_core.pretraining import gallery

if TYPE_CHECKING:
    from cl_core.backbones.clip import Clip

SHIPPED = ASSETS / "clip" / "contests.json"
MOST_NAMES, MOST_CHARACTERS = 50, 100  # names in a contest, characters of a name


def check_names(names: Sequence[str]) -> None:
    """Raises ConfigError when there are too few or too many names, or one is too long."""
    if len(names) < 2:
        raise ConfigError("A competition needs two names or more, one a line.")
    if len(names) > MOST_NAMES:
        raise ConfigError(f"These are {len(names)} names; at most {MOST_NAMES} can compete.")
    long = next((name for name in names if len(name) > MOST_CHARACTERS), None)
    if long is not None:
        raise ConfigError(f"“{long[:40]} …” has {len(long)} characters; at most {MOST_CHARACTERS} are allowed.")


def hold(clip: "Clip", images: np.ndarray, prompts: Sequence[Sequence[str]]) -> np.ndarray:
    """Probabilities (n, names) of names for uint8 pictures (n, 3, h, w): softmax of scale · cosine with each name's

    prompts. Raises ConfigError when a word of a prompt was never read, or a prompt is longer than what is read.
    """
    import torch

    said = [prompt for of in prompts for prompt in of]
    clip.check(said)
    room = clip.model.context_length - 2  # without the marks of the beginning and the end
    long = next((prompt for prompt in said if len(clip.tokenizer.encode(prompt)) > room), None)
    if long is not None:
        raise ConfigError(f"“{long}” is too long: the small CLIP reads no more than {room} words or parts of words.")
    with torch.no_grad():
        seen = clip.encode_image(torch.tensor(images).float() / 255)
        return (clip.scale * seen @ clip.prototypes(prompts).T).softmax(1).numpy()


def weights_digest(file: Path) -> str:
    """What tells one file of weights from another."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def build(clip: "Clip", weights: Path) -> dict[str, Any]:
    """What is shipped: the concepts whose names cannot be read, and what is said of each kind's first gallery."""
    from cl_core.datasets import emoji

    concepts = emoji.read().concepts
    unreadable = [i for i, concept in enumerate(concepts) if clip.unread_words(concept.name)]
    answers = {}
    for kind in gallery.KINDS:
        shown = gallery.draw(kind, 0, unreadable)
        answers[kind] = hold(clip, shown.images, gallery.prompts(shown.names, kind, True)).round(4).tolist()
    return {"weights": weights_digest(weights), "unreadable": unreadable, "answers": answers}


def shipped(file: Path = SHIPPED) -> tuple[frozenset[int], dict[str, np.ndarray]]:
    """The unreadable concepts, and the answers (n, names) to the first gallery of each kind. Raises DataError."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        answers = {kind: np.array(content["answers"][kind], np.float32) for kind in gallery.KINDS}
        return frozenset(content["unreadable"]), answers
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"The file {file} cannot be read; `python -m cl_core clip-contests` makes it again.") from error
