"""`clip-report`: what the small CLIP names rightly of what it has never been shown, beside its bars."""

import argparse
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cl_core import datasets
from cl_core.commands import report
from cl_core.config import ConfigError
from cl_core.datasets import emoji
from cl_core.files import write_whole
from cl_core.store import StoreError

if TYPE_CHECKING:
    from cl_core.backbones.clip import Clip

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
    parser.add_argument("--out", type=Path, help="file for the numbers, .json; default: they are printed only")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print every measure with its interval and its bar, and write them. Raises ConfigError, DataError, StoreError."""
    if args.out is not None and args.out.suffix != ".json":
        raise ConfigError(f"--out is {args.out}; it must end in .json.")
    from cl_core.backbones.small_clip import SMALL_WEIGHTS, load_small

    weights = args.weights or SMALL_WEIGHTS
    found = measure(load_small(weights), args.extra)
    print(told(found))
    if args.out is not None:
        facts = {"kind": "clip-report", "weights": hashlib.sha256(weights.read_bytes()).hexdigest()}
        text = json.dumps(facts | {"versions": report.versions()} | found, indent=1, ensure_ascii=False) + "\n"
        try:
            write_whole(args.out, text.encode())
        except OSError as error:
            raise StoreError(f"The numbers cannot be written to {args.out} ({error.strerror or error}).") from error
        print(f"\nWritten to {args.out}.")


def measure(clip: "Clip", extra: Path | None = None) -> dict[str, list[dict[str, Any]]]:
    """All the measures as plain data.

    drawings: of each withheld style and of the withheld concepts, a Comparison with its "title" and "bar"; clothes:
    of each choice of Fashion-MNIST's classes the "accuracy" and "bar". A bar is None where there is none.
    """
    from cl_core.pretraining import captions, evaluation

    shown = emoji.read()
    learned, unseen = (evaluation.readable(clip, shown, withheld) for withheld in (False, True))
    sets = []
    for drawings in (shown, *((_renumbered(emoji.read(extra), shown),) if extra else ())):
        for number, style in enumerate(drawings.styles):
            if style.withheld:
                rows = np.flatnonzero((drawings.style == number) & ~drawings.of_withheld_concept)
                sets.append((style.title, evaluation.compare(clip, drawings, rows, shown, learned)))
    rows = np.flatnonzero(shown.of_withheld_concept & ~shown.of_withheld_style)
    sets.append((UNSEEN, evaluation.compare(clip, shown, rows, shown, unseen)))
    test = datasets.load("fashion-mnist").split("test")
    withheld = captions.CLOTHES_WITHHELD
    seen = [label for label in range(len(captions.CLOTHES)) if label not in withheld]
    clothes = (
        (f"{len(seen)} classes seen in pretraining (supervised)", seen, SEEN_BAR),
        (f"{len(withheld)} classes withheld (zero-shot)", withheld, WITHHELD_BAR),
        ("all ten", range(len(captions.CLOTHES)), None),
    )
    return {
        "drawings": [
            {"title": title, "bar": GROUP_BARS.get(title)} | dataclasses.asdict(result) for title, result in sets
        ],
        "clothes": [
            {
                "title": title,
                "classes": [captions.CLOTHES[label][0] for label in labels],
                "accuracy": evaluation.name_clothes(clip, test, tuple(labels)),
                "bar": bar,
            }
            for title, labels, bar in clothes
        ],
    }


def told(found: dict[str, list[dict[str, Any]]]) -> str:
    """What `measure` found, for a terminal."""
    lines = ["Groups of emoji by their prompts, share named rightly [95 % interval, concepts resampled]"]
    for of in found["drawings"]:
        apart = "" if of["difference"]["low"] > 0 else " (not above 0)"
        lines += [
            f"  {of['title']}: {of['pictures']} drawings of {of['concepts']} concepts",
            f"    CLIP                     {_shown(of['clip'])}{_against(of['clip']['mean'], of['bar'])}",
            f"    nearest in pixels        {_shown(of['neighbour'])}",
            f"    difference               {_shown(of['difference'])}{apart}",
            f"    the concept itself       {of['first']:.3f}, among the first five {of['first_five']:.3f}, of "
            f"{of['candidates']} whose names it can read",
        ]
    lines += ["", "Fashion-MNIST's test images by prompts, share named rightly"]
    lines += [
        f"  {of['title']:<44} {of['accuracy']:.3f}{_against(of['accuracy'], of['bar'])}" for of in found["clothes"]
    ]
    return "\n".join(lines)


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


def _shown(interval: dict[str, float]) -> str:
    return f"{interval['mean']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"


def _against(share: float, bar: float | None) -> str:
    return "" if bar is None else f"  bar {bar:.2f}: {'reached' if share >= bar else 'missed'}"
