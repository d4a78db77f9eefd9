"""`oracle`: what an independently trained network takes the synthetic images of a run for."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from cl_core.commands import options, progress, report
from cl_core.store import Store, StoreError
from cl_core.stream import TaskStream


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("oracle", help="judge the synthetic images of a run by an independent network")
    options.add_config_options(parser)
    options.add_store_option(parser)
    parser.add_argument("--out", type=Path, default=Path("runs") / "oracle", help="folder for the results")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Run the stream (or take it from the store), name every synthetic image, print a line a class."""
    from cl_core import oracle

    config, store = options.config_from(args), Store(args.store)
    judge = progress.watch(oracle.train(config, store), "The oracle")
    leaf = list(progress.steps(config, store))[-1]
    stream = TaskStream(config.stream, config.machine.seed)
    images, labels = leaf.synthetic
    names = judge.name_arrays(images)
    found = summary(names, np.asarray(stream.class_order)[labels], stream.dataset.class_names)
    if leaf.hidden is not None:
        print("\nThis inversion stopped at the patch embedding: the oracle names pictures decoded from hidden inputs.")
    found |= {"trained_on": judge.trained_on, "accuracy_on_real": judge.accuracy, "versions": report.versions()}
    found |= {"real_by_class": list(judge.class_accuracy), "config": config.to_dict(), "leaf": leaf.id}
    print("\n" + table(found))
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "oracle.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        report.sheet(leaf).save(args.out / "synthetic.png")
    except OSError as error:
        raise StoreError(f"The results cannot be written to {args.out} ({error.strerror or error}).") from error
    print(f"\nWritten to {args.out}.")


def summary(names: np.ndarray, labels: np.ndarray, class_names: tuple[str, ...]) -> dict[str, Any]:
    """Share of images named rightly, in all and by class, and what each class is most often taken for instead.

    names, labels: the data set's labels (n,), as the oracle says and as they were meant.
    """
    rows = []
    for c in np.unique(labels):
        said = names[labels == c]
        wrong = np.bincount(said[said != c], minlength=len(class_names))
        mistaken = class_names[int(wrong.argmax())] if wrong.any() else None
        rows.append({"class": class_names[c], "label": int(c), "images": len(said), "right": float((said == c).mean()),
                     "taken_for": mistaken})  # fmt: skip
    return {"right": float((names == labels).mean()), "classes": rows}


def table(found: dict[str, Any]) -> str:
    """Those numbers for a terminal."""
    lines = [f"{'class':<16}{'images':>8}{'named rightly':>16}   else most often"]
    for row in found["classes"]:
        lines.append(f"{row['class']:<16}{row['images']:>8}{row['right']:>16.0%}   {row['taken_for'] or ''}".rstrip())
    lines += [
        "",
        f"In all {found['right']:.1%}. The oracle knows {found['accuracy_on_real']:.1%} of the real test images; "
        f"it was trained on {found['trained_on']}.",
    ]
    return "\n".join(lines)
