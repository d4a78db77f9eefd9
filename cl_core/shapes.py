"""What a step from elsewhere must look like, so that everything here can show it and go on from it. No torch.

The seal and the checksums say that a step is as it was written; not that it was written by this program. What a record
says under names that are not known here stays unchecked, and unused.
"""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cl_core.snapshot import Snapshot
from cl_core.store import StoreError

MOST_CLASSES, MOST_TASKS, NAME = 1000, 200, 200  # NAME: characters of a class's name
LARGEST = 1e15  # no measure of a run is larger
Check = Callable[[Any], bool]


def check(step: Snapshot) -> None:
    """Raises StoreError when a step is not of the shape that steps have."""
    sizes, names = step.task_sizes, step.class_names
    whole = (
        step.verb in ("start", "learn", "invert")
        and 0 < len(sizes) <= MOST_TASKS
        and all(_whole(size) and size > 0 for size in sizes)
        and 0 < len(names) <= MOST_CLASSES
        and all(0 < len(name) <= NAME for name in names)
        and (set(sizes) == {len(names)} if step.config.stream.by_domain else sum(sizes) == len(names))
        and _whole(step.tasks_learned)
        and (step.tasks_learned == 0 if step.verb == "start" else 0 < step.tasks_learned <= len(sizes))
        and (step.verb == "start" or bool(step.group("model")))
        and _is_text(step.record, names)
        and _record_fits(step)
    )
    if not whole or not _arrays_fit(step):
        raise StoreError("A step is not of the shape that steps have.")
    labels = [label for name, label in step.arrays.items() if name.endswith("labels")]
    if any((label >= len(names)).any() for label in labels):
        raise StoreError("A step has images of classes that it does not name.")


def _is_text(*values: Any) -> bool:
    """Whether all the text in it can be sent to a browser, which half a character cannot."""
    try:
        return all(json.dumps(value, ensure_ascii=False).encode("utf-8") for value in values)
    except (UnicodeEncodeError, RecursionError):
        return False


# Kinds of values.


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST


def _number(value: Any) -> bool:
    return _whole(value) or (isinstance(value, float) and math.isfinite(value) and abs(value) < LARGEST)


def _share(value: Any) -> bool:
    return _number(value) and 0 <= value <= 1


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _or_none(kind: Check) -> Check:
    return lambda value: value is None or kind(value)


def _rows(kind: Check, count: int | None = None) -> Check:
    return lambda value: isinstance(value, list) and count in (None, len(value)) and all(map(kind, value))


def _named(kind: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(kind, value.values()))


def _with(**kinds: Check) -> Check:
    """A mapping that has these keys at least."""
    return lambda value: isinstance(value, dict) and all(k in value and kind(value[k]) for k, kind in kinds.items())


def _record_fits(step: Snapshot) -> bool:
    """What is known of a record, each entry of its kind; and those there without which nothing can be shown."""
    learned, seen, record, tasks = step.tasks_learned, step.classes_seen, step.record, len(step.task_sizes)
    after = {f"{name}_accuracy": _by_split(_rows(_rows(_share), learned)) for name in ("task", "class")}
    distances = {"frechet": _number, "floor": _or_none(_number), "cosine": _or_none(_number), "images": _whole}

    def a_class(value: Any) -> bool:
        return _whole(value) and 0 <= value < seen

    known: dict[str, Check] = {
        **after,
        "accuracy": _by_split(lambda rows: _rows(_rows(_share), learned)(rows) and _is_triangle(rows)),
        "total_accuracy": _by_split(_rows(_share, learned)),
        "zero_shot": _with(accuracy=_by_split(lambda rows: _rows(_rows(_share), tasks)(rows) and _is_triangle(rows)),
                           total_accuracy=_by_split(_rows(_share, tasks)),
                           class_accuracy=_by_split(_rows(_share, len(step.class_names)))),
        "ahead": _by_split(_rows(_share, min(learned, tasks - 1))),
        "heads": _named(_named(_rows(_share, learned))),
        "confusion": _named(_rows(_rows(_number, seen), seen)),
        "strategy": _or_none(_text), "replays": _flag, "data_free": _flag, "device": _text, "threads": _whole,
        "domains": _rows(_text, len(step.task_sizes)),
        "curves": lambda curves: _named(_rows(_number))(curves) and len(set(map(len, curves.values()))) <= 1,
        "epoch_accuracy": _rows(_rows(_share)),
        "layer_names": _rows(_text),
        "layers": _rows(_with(layer=_whole, name=_text, iterations=_whole, curve=_rows(_number), seconds=_number)),
        "refine": _with(iterations=_whole, curve=_named(_rows(_number)), seconds=_number),
        "inverted_classes": _rows(a_class),
        "film": _rows(_with(stage=_text, layer=_or_none(_whole), name=_text, iteration=_whole, of=_whole,
                            units=_number, loss=_or_none(_number))),
        "alignment": _rows(_with(**{"class": a_class}, **distances)),
        "kept": _rows(_with(what=_text, shape=_text, bytes=_whole)),
        "hidden": _flag, "said_instead": _named(_rows(_text)),
        "kept_bytes": _whole, "replaced_bytes": _whole,
        "seconds": _named(_number),
    }  # fmt: skip
    needed = () if step.verb == "start" else ("strategy", "device", "seconds", *after, "accuracy", "total_accuracy")
    return (
        all(kind(record[name]) for name, kind in known.items() if name in record and (learned or name not in after))
        and all(name in record for name in needed)
        and (step.verb == "start" or "total" in record["seconds"])
        and (step.verb != "invert" or {"layers", "refine"} <= record.keys())
    )


def _by_split(kind: Check) -> Check:
    return _with(validation=kind, test=kind)


def _is_triangle(rows: list[Any]) -> bool:
    """Whether row i has i + 1 entries: a task each that was learned by then."""
    return all(len(row) == i + 1 for i, row in enumerate(rows))


# Arrays. A letter that comes twice stands for the same number.

ARRAYS = {
    "view/real": "nk", "view/real_labels": "n", "view/real_index": "n", "view/real_logits": "no", "view/explained": "k",
    "view/synthetic": "mk", "view/synthetic_labels": "m", "view/synthetic_index": "m", "view/synthetic_logits": "mo",
    "view/gaussian_mean": "ck", "view/gaussian_covariance": "ckk", "view/targets": "tk", "view/target_labels": "t",
    "view/film": "fgk", "view/film_targets": "gk", "film/images": "fgxyz", "film/labels": "g",
}  # fmt: skip
INTEGERS = ("labels", "index")


def _arrays_fit(step: Snapshot) -> bool:
    """Whether the arrays have the dimensions that they share, finite numbers and labels that are classes."""
    found: dict[str, int] = {}
    for name, array in step.arrays.items():
        if array.dtype.kind not in "fiub":
            return False
        if name.endswith(INTEGERS) and (array.dtype.kind not in "iu" or array.ndim != 1 or (array < 0).any()):
            return False
        if name.startswith(("view/", "synthetic", "hidden")) and not np.isfinite(array).all():
            return False
        letters = ARRAYS.get(name)
        if letters is not None and array.ndim != len(letters):
            return False
        for letter, length in zip(letters or "", array.shape, strict=bool(letters)):
            if found.setdefault(letter, length) != length:
                return False
    return _images_fit(step) and found.get("c", step.classes_seen) >= step.classes_seen


def _images_fit(step: Snapshot) -> bool:
    """Synthetic images (n, c, h, w) with a label each, all of one size; as many frames of film as the record tells."""
    sizes = set()
    for task in range(len(step.task_sizes)):
        images, labels = (step.arrays.get(f"synthetic{task}/{what}") for what in ("images", "labels"))
        if (images is None) != (labels is None):
            return False
        if images is not None and labels is not None:
            if images.ndim != 4 or len(images) != len(labels) or images.dtype.kind != "f":
                return False
            sizes.add(images.shape[1:])
        if not _hidden_fits(step, task, labels):
            return False
    film = step.arrays.get("film/images")
    frames = len(step.record.get("film", ()))
    return (
        len(sizes) <= 1
        and all(channels in (1, 3) and min(height, width) > 0 for channels, height, width in sizes)
        and (film is None or (film.dtype == np.uint8 and len(film) == frames and film.shape[2] in (1, 3)))
    )


def _hidden_fits(step: Snapshot, task: int, labels: np.ndarray | None) -> bool:
    """Hidden inputs (n, t, w) of a task, if there are any, of the same classes as its synthetic images (n,)."""
    inputs, own = (step.arrays.get(f"hidden{task}/{what}") for what in ("inputs", "labels"))
    if inputs is None and own is None:
        return not step.record.get("hidden", False) or labels is None
    return (
        inputs is not None
        and own is not None
        and labels is not None
        and np.array_equal(own, labels)
        and inputs.ndim == 3
        and len(inputs) == len(own)
        and inputs.dtype.kind == "f"
    )
