"""`clip-contests`: what the CLIP page shows before anything is computed."""

import argparse
import json
from pathlib import Path

from cl_core.files import write_whole
from cl_core.pretraining import contest, gallery


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("clip-contests", help="let names compete on the first pictures of the CLIP page")
    parser.add_argument("--out", type=Path, default=contest.SHIPPED, help="file to write; default: that in assets/clip")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Ask the small CLIP that comes with the program, and write what it says. Raises ConfigError, DataError."""
    import torch

    from cl_core.backbones.small_clip import SMALL_WEIGHTS, load_small

    torch.set_num_threads(1)  # the last digit depends on it
    answers = contest.build(load_small(), SMALL_WEIGHTS)
    write_whole(args.out, (json.dumps(answers) + "\n").encode())
    print(f"Wrote {args.out}; in the names of {len(answers['unreadable'])} kinds of emoji is a word never read.")
    for kind, says in gallery.KINDS.items():
        shown = gallery.draw(kind, 0, answers["unreadable"])
        rows = zip(answers["answers"][kind], shown.truths, strict=True)
        right = sum(shown.names[max(range(len(row)), key=row.__getitem__)] == truth for row, truth in rows)
        print(f"  {right} of {len(shown.truths)} named rightly: {says}")
