"""`clip-report`: what the small CLIP names rightly of what it has never been shown, beside its bars."""

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cl_core import datasets
from cl_core.datasets import emoji

if TYPE_CHECKING:
    from cl_core.pretraining.evaluation import Comparison, Interval

UNSEEN = "unseen concepts"
GROUP_BARS = {"OpenMoji": 0.45, "EmojiTwo": 0.60, UNSEEN: 0.42}
SEEN_BAR, WITHHELD_BAR = 0.92, 0.55  # Fashion-MNIST


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("clip-report", help="test the small CLIP on withheld styles, concepts and classes")
    parser.add_argument("--weights", type=Path, help="file of pretrain-clip; default: those that come with the program")
    parser.add_argument(
        "--extra",
        type=Path,
        help="folder of another style that `build-emoji --style NAME --out FOLDER` has written, such as openmoji",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print every measure with its interval and its bar. Raises ConfigError, DataError."""
    from cl_core.backbones.clip import SMALL_WEIGHTS, load_small
    from cl_core.pretraining import captions, evaluation

    clip, shown = load_small(args.weights or SMALL_WEIGHTS), emoji.read()
    learned, unseen = (evaluation.readable(clip, shown, withheld) for withheld in (False, True))
    print("Groups of emoji by their prompts, share named rightly [95 % interval, concepts resampled]")
    for drawings in (shown, *((_renumbered(emoji.read(args.extra), shown),) if args.extra else ())):
        for number, style in enumerate(drawings.styles):
            if style.withheld:
                rows = np.flatnonzero((drawings.style == number) & ~drawings.of_withheld_concept)
                _tell(style.title, evaluation.compare(clip, drawings, rows, shown, learned))
    rows = np.flatnonzero(shown.of_withheld_concept & ~shown.of_withheld_style)
    _tell(UNSEEN, evaluation.compare(clip, shown, rows, shown, unseen))
    test = datasets.load("fashion-mnist").split("test")
    withheld = captions.CLOTHES_WITHHELD
    seen = [label for label in range(len(captions.CLOTHES)) if label not in withheld]
    print("\nFashion-MNIST's test images by prompts, share named rightly")
    for text, labels, bar in (
        (f"{len(seen)} classes seen in pretraining (supervised)", seen, SEEN_BAR),
        (f"{len(withheld)} classes withheld (zero-shot)", withheld, WITHHELD_BAR),
        ("all ten", range(len(captions.CLOTHES)), None),
    ):
        share = evaluation.name_clothes(clip, test, tuple(labels))
        print(f"  {text:<44} {share:.3f}{_against(share, bar)}")


def _renumbered(extra: emoji.Drawings, shown: emoji.Drawings) -> emoji.Drawings:
    """The drawings of other styles under the concepts of the bundled ones; other concepts are left out."""
    number = {concept.id: i for i, concept in enumerate(shown.concepts)}
    concept = np.array([number.get(extra.concepts[c].id, -1) for c in extra.concept])
    known = concept >= 0
    return dataclasses.replace(
        extra,
        images=extra.images[known],
        concept=concept[known],
        style=extra.style[known],
        concepts=shown.concepts,
        groups=shown.groups,
    )


def _tell(title: str, result: "Comparison") -> None:
    """A set of pictures in four lines."""
    print(f"  {title}: {result.pictures} drawings of {result.concepts} concepts")
    bar = _against(result.clip.mean, GROUP_BARS.get(title))
    print(f"    CLIP                     {_shown(result.clip)}{bar}")
    print(f"    nearest in pixels        {_shown(result.neighbour)}")
    apart = "" if result.difference.low > 0 else " (not above 0)"
    print(f"    difference               {_shown(result.difference)}{apart}")
    print(
        f"    the concept itself       {result.first:.3f}, among the first five {result.first_five:.3f}, of "
        f"{result.candidates} whose names it can read"
    )


def _shown(interval: "Interval") -> str:
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _against(share: float, bar: float | None) -> str:
    return "" if bar is None else f"  bar {bar:.2f}: {'reached' if share >= bar else 'missed'}"
