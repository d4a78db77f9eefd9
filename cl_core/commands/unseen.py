"""`unseen`: classes that the small CLIP is given by name alone, against the truth that was kept back."""

import argparse
import dataclasses
import hashlib
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cl_core.commands import options, report
from cl_core.config import ConfigError, UnseenConfig
from cl_core.files import write_whole
from cl_core.presets import preset
from cl_core.store import StoreError

if TYPE_CHECKING:
    from cl_core.backbones.clip import Clip
    from cl_core.unseen_trials import Trial, World

Row = dict[str, Any]
SIDES = ("total", "old", "new")
FEW = 10  # new classes that are all tried


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("unseen", help="classes that the small CLIP is given by name alone")
    parser.add_argument("--weights", type=Path, help="file of pretrain-clip; default: those that come with the program")
    parser.add_argument("--world", action="append", metavar="NAME", help="only this one; may come several times")
    parser.add_argument(
        "--every",
        type=int,
        default=1,
        metavar="N",
        help=f"only each N-th class is new, where there are more than {FEW}; default: 1",
    )
    parser.add_argument("--first", type=int, default=0, metavar="N", help="where that counting begins; default: 0")
    parser.add_argument(
        "--images",
        type=int,
        default=0,
        metavar="N",
        help="of the first N new classes of a world also make pseudo-images and learn from them (slow); default: 0",
    )
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn; default: 0")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting, as in k=3")
    parser.add_argument("--out", type=Path, default=Path("runs") / "unseen.json", help="file for the results, .json")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Try each class of each world, print the means and write everything. Raises ConfigError, DataError, StoreError."""
    if args.out.suffix != ".json" or args.every < 1 or args.first < 0:
        raise ConfigError("--out must end in .json, --every must be 1 or more, and --first 0 or more.")
    config = options.changed(UnseenConfig(), args.set)
    from cl_core import unseen_trials
    from cl_core.backbones.small_clip import SMALL_WEIGHTS, load_small

    weights = args.weights or SMALL_WEIGHTS
    clip = load_small(weights)
    worlds = unseen_trials.worlds(clip)
    known = [world.name for world in worlds]
    if strange := [name for name in args.world or [] if name not in known]:
        raise ConfigError(f"There is no world “{strange[0]}”; known are {', '.join(known)}.")
    found = [_tried(clip, world, config, args) for world in worlds if world.name in (args.world or known)]
    whole = together(found)
    facts = {
        "kind": "unseen",
        "weights": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "settings": dataclasses.asdict(config),
        "seed": args.seed,
        "versions": report.versions(),
    }
    table = markdown([*found, whole] if len(found) > 1 else found)
    _write(args.out, facts | {"worlds": found, "together": whole}, table)
    print(f"\n{table}\n\nWritten to {args.out}.")


def _tried(clip: "Clip", world: "World", config: UnseenConfig, args: argparse.Namespace) -> dict[str, Any]:
    """The summary of one world and its rows. Raises ConfigError."""
    from tqdm import tqdm

    from cl_core import unseen_choice, unseen_trials

    chosen = world.new[args.first :: args.every] if len(world.new) > FEW else world.new
    if not chosen:
        raise ConfigError(f"No class of {world.name} is left to be new: choose a smaller --first.")
    dreams = None
    if args.images and world.most is None:  # where all the classes may be old ones
        print(f"Making pseudo-images of the {len(world.known)} classes of {world.name}", flush=True)
        dreams = unseen_trials.dream(clip, world, preset("clip-demo").invert, args.seed)
    advised = unseen_choice.choose(world, chosen, config, args.seed)
    rows = []
    for i, new in enumerate(tqdm(chosen, desc=world.name, mininterval=1)):
        own = dreams if i < args.images else None
        rows.append(row(unseen_trials.trial(world, new, config, args.seed, own, advised)))
    advice = {"steps": advised.steps, "new_weight": advised.new_weight}
    return summary(world.name, world.about, rows) | {"advice": advice, "rows": rows}


def together(worlds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The summary of the new classes of several worlds, each class counted once."""
    rows = [row for world in worlds for row in world["rows"]]
    return summary("Together", f"The {len(rows)} new classes of these worlds, each counted once.", rows)


def _write(out: Path, content: dict[str, Any], table: str) -> None:
    """The JSON file, and the tables in Markdown beside it. Raises StoreError."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    try:
        write_whole(out, text.encode())
        write_whole(out.with_suffix(".md"), (table + "\n").encode())
    except OSError as error:
        raise StoreError(f"The results cannot be written to {out} ({error.strerror or error}).") from error


def row(trial: "Trial") -> Row:
    """What is written of one class that was new."""
    return {
        "name": trial.projection.name,
        "lenders": [dataclasses.asdict(lender) for lender in trial.projection.lenders],
        "guesses": {guess.name: {"cosine": guess.cosine, "about": guess.about} for guess in trial.judgement.guesses},
        "frechet": trial.judgement.frechet,
        "floor": trial.judgement.floor,
        "accuracies": {name: dataclasses.asdict(scores) for name, scores in trial.accuracies.items()},
    }


def summary(name: str, about: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Means over the classes that were new.

    ahead: of each baseline, how much nearer the projection is in cosine and in that about the mean of the old classes,
    with the 95 % interval when classes are drawn again, and the share of the classes where it is nearer.
    """
    from cl_core.unseen import PROJECTED

    guesses = {name: _means([row["guesses"][name] for row in rows]) for name in rows[0]["guesses"]}
    ahead = {
        name: {
            measure: _ahead([(row["guesses"][PROJECTED][measure], row["guesses"][name][measure]) for row in rows])
            for measure in ("cosine", "about")
        }
        for name in guesses
        if name != PROJECTED
    }
    return {
        "name": name,
        "about": about,
        "new_classes": len(rows),
        "guesses": guesses,
        "ahead": ahead,
        "accuracies": {
            name: _means(of) | {"new_classes": len(of)}
            for name in rows[0]["accuracies"]
            if (of := [row["accuracies"][name] for row in rows if name in row["accuracies"]])
        },
    }


def _means(records: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """The mean of each entry; None where it is not defined."""
    found = {}
    for key in records[0]:
        values = [record[key] for record in records]
        found[key] = None if None in values else statistics.fmean(v for v in values if v is not None)
    return found


def _ahead(pairs: Sequence[tuple[float, float | None]]) -> dict[str, float] | None:
    from cl_core.pretraining.evaluation import bootstrap

    if any(other is None for _, other in pairs):
        return None
    differences = np.array([own - (other or 0.0) for own, other in pairs])
    interval = bootstrap(differences, np.arange(len(differences)))
    return dataclasses.asdict(interval) | {"share": float((differences > 0).mean())}


def markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """Two tables for each world: where the guesses lie, and who names how much rightly."""
    parts = []
    for world in found:
        lines = [f"### {world['name']}", "", world["about"], ""]
        lines += [
            f"| Mean over {world['new_classes']} new classes | Cosine to the truth | About the old mean "
            "| The projection is nearer by |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {name} | {_number(of['cosine'])} | {_number(of['about'])} | {_lead(world['ahead'].get(name))} |"
            for name, of in world["guesses"].items()
        ]
        lines += ["", "| Named rightly, % | New classes | All | Old classes | New class |", "|---|---|---|---|---|"]
        for name, of in world["accuracies"].items():
            shares = " | ".join(f"{100 * of[side]:.1f}" for side in SIDES)
            lines.append(f"| {name} | {of['new_classes']} | {shares} |")
        lines += ["", *([_advice(world["advice"])] if "advice" in world else [])]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _advice(advice: Mapping[str, Any]) -> str:
    """What old classes that play the new one say of adapting, in a sentence."""
    if not advice["steps"]:
        return "Old classes that played the new one advise not to adapt: it cost them more than it gave the new one."
    return (
        f"Old classes that played the new one advise {advice['steps']} steps, each feature of the new one counted "
        f"{advice['new_weight']:g} times."
    )


def _lead(ahead: Mapping[str, Any] | None) -> str:
    """By how much the projection is nearer in cosine than a baseline, with the 95 % interval."""
    if ahead is None:
        return "–"
    of = ahead["cosine"]
    return f"{of['mean']:+.3f} [{of['low']:+.3f}, {of['high']:+.3f}]"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
