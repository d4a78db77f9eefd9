"""`pretrain-clip`: the small CLIP, from the bundled drawings and clothes, in pieces of any length."""

import argparse
import time
from pathlib import Path

from cl_core.config import ConfigError

STEPS = 6500  # the whole training of the weights that come with the program
PIECE = 50  # steps between two savings


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("pretrain-clip", help="train the small CLIP on emoji and clothes")
    parser.add_argument(
        "--out", type=Path, required=True, help="file for the weights, .safetensors; the training is kept beside it"
    )
    piece = parser.add_mutually_exclusive_group()
    piece.add_argument("--minutes", type=float, help="stop after so many minutes; the same command goes on from there")
    piece.add_argument("--steps", type=int, help="stop after so many steps more; the same command goes on from there")
    parser.add_argument(
        "--total",
        type=int,
        default=STEPS,
        help=f"steps of the whole training, which its learning rate falls over; default: {STEPS}",
    )
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn; default: 0")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Train for a piece, or to the end, and write what there is. Raises ConfigError and DataError."""
    if args.out.suffix != ".safetensors":
        raise ConfigError(f"--out is {args.out}; it must end in .safetensors.")
    for name in ("minutes", "steps", "total"):
        value = getattr(args, name)
        if value is not None and value <= 0:
            raise ConfigError(f"--{name} is {value}; it must be more than 0.")
    import torch  # heavy, as the rest that trains
    from tqdm import tqdm

    from cl_core.pretraining import material
    from cl_core.pretraining.training import Pretraining

    torch.set_num_threads(1)  # the step is too small to gain from a second core, and the result depends on it
    training = Pretraining(material.load(args.seed), args.total, args.seed)
    kept = args.out.with_suffix(".training.safetensors")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    if kept.exists():
        training.resume(kept)
    end = time.monotonic() + 60 * args.minutes if args.minutes else None
    last = min(training.steps, training.step + args.steps) if args.steps else training.steps
    with tqdm(total=training.steps, initial=training.step, desc="Pretraining", mininterval=1) as bar:
        while training.step < last and (end is None or time.monotonic() < end):
            losses = training.advance()
            bar.set_postfix_str(f"loss {losses['total']:.3f}", refresh=False)
            bar.update()
            if training.step % PIECE == 0:
                training.save(kept)
    training.save(kept)
    training.export(args.out)
    size = args.out.stat().st_size / 1e6
    rest = "" if training.done else "; the same command goes on from here"
    print(f"Step {training.step} of {training.steps}. Wrote {args.out} ({size:.1f} MB){rest}.")
