"""A heat: one racer's run at one snapshot, kept beside the snapshots by what it is made of. No torch to read it.

Every racer of a snapshot has the same targets and the same objective (race.py), so that the heats of one snapshot
and one budget are a race, whenever each of them was run.
"""

import hashlib
import io
import json
import math
import re
import zlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from cl_core.events import Diverged, Event
from cl_core.files import Files
from cl_core.racers import Racer
from cl_core.snapshot import Snapshot
from cl_core.store import StoreError

if TYPE_CHECKING:
    from cl_core.oracle import Oracle
    from cl_core.race import Course

VERSION = 1  # raise it when the same settings would give other numbers
FOLDER = "races"  # of a store
TARGETS, TUNED_ON = 40, 10  # how many are raced for; how many others the step sizes are tuned on, before
LOOKS = 10  # moments of a run at which it is judged
SHOWN = 16  # of the targets, those whose images are kept
MEASURED = ("seconds", "objective", "feature_error", "statistics_error", "pixel_variance")  # in every row
BYTES = 200_000_000  # of one that comes from elsewhere, unpacked, at most
KEPT = 400  # heats of a snapshot that are looked for at most


@dataclass(frozen=True)
class Heat:
    """settings: those it ran with, tuned; groups: of layers, one after the other; rows: of each moment its units,

    seconds and measures; images (moments, n, c, h, w) uint8: its best so far at each; labels (n,): their classes.
    note: why it has no moments, else empty; oracle: accuracy on real images of the network that judged, if any did.
    """

    racer: str
    settings: Mapping[str, Any]
    groups: int
    units: int
    rows: Sequence[Mapping[str, Any]]
    images: np.ndarray
    labels: np.ndarray
    note: str = ""
    oracle: float | None = None


def courses(node: Snapshot, judge: "Oracle | None" = None) -> tuple["Course", "Course"]:
    """The course of a race at a snapshot (with its arrays), and one of a few other targets, to find step sizes on."""
    from cl_core import race
    from cl_core.state import State

    state, seed = State.of(node, node.config), node.config.machine.seed
    racing = race.course_of_stream(state, judge, TARGETS, seed, "racing")
    return racing, race.course_of_stream(state, None, TUNED_ON, seed, "tuning")


def run(
    racer: Racer, settings: Mapping[str, Any], course: "Course", units: int, shown: int = SHOWN, looks: int = LOOKS
) -> Generator[Event, None, Heat]:
    """A racer's run with its tuned settings. One that diverges has no moments, and a note."""
    from cl_core import race
    from cl_core.images import to_bytes

    groups = len(course.state.network.groups(settings["groups"]))
    points: list[race.Point] = []
    note = ""
    try:
        points = yield from race.watched(racer, settings, course, units, looks)
    except Diverged as error:
        note = str(error)
    labels = course.labels.cpu().numpy()
    rows = spread_out(labels, shown)
    images = [to_bytes(point.images[rows]).transpose(0, 3, 1, 2) for point in points]
    told = [{"units": point.units, "seconds": point.seconds, **point.measures} for point in points]
    accuracy = course.oracle.accuracy if course.oracle else None
    kept = np.stack(images) if images else np.zeros((0, len(rows), 1, 1, 1), np.uint8)
    return Heat(racer.name, dict(settings), groups, units, told, kept, labels[rows], note, accuracy)


def spread_out(labels: np.ndarray, count: int) -> list[int]:
    """At most so many rows, as many of each class as can be; class by class."""
    classes = np.unique(labels)
    each = [np.flatnonzero(labels == c) for c in classes]
    taken = [rows[: max(1, count // len(classes))] for rows in each]
    return np.concatenate(taken)[:count].tolist() if len(classes) else []


# Kept in a file beside the snapshots, by what it is made of.


def name_of(node_id: str, racer: Racer, units: int) -> str:
    """The name of the file, in any store, that holds a heat: it says all that the heat depends on."""
    grid = {name: list(values) for name, values in racer.grid.items()}
    identity = [VERSION, TARGETS, TUNED_ON, racer.name, dict(racer.settings), racer.layer_share, grid]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    return f"{FOLDER}/{node_id}-{units}-{digest}.npz"


def budgets(files: Files, node_id: str) -> list[int]:
    """The units of the heats that a snapshot has, those run last first."""
    parts = [name.split("-") for name in reversed(_of(files, node_id)[-KEPT:])]
    return list(dict.fromkeys(int(part[1]) for part in parts if len(part) == 3 and part[1].isdecimal()))


def _of(files: Files, node_id: str) -> list[str]:
    """The names of the heats of a snapshot, oldest first."""
    return [name for name in files.names(FOLDER, ".npz") if name.startswith(f"{FOLDER}/{node_id}-")]


def forget(files: Files, node_ids: Iterable[str]) -> None:
    """Remove the heats of snapshots that are gone. Raises StoreError when the disk refuses."""
    try:
        for node_id in node_ids:
            for name in _of(files, node_id):
                files.remove(name)
    except OSError as error:
        raise StoreError(f"A race could not be removed from {files.path} ({error.strerror or error}).") from error


def save(files: Files, name: str, heat: Heat) -> None:
    """Write it whole or not at all. Raises StoreError when the disk refuses."""
    told = {field: value for field, value in vars(heat).items() if field not in ("images", "labels")}
    content = io.BytesIO()
    np.savez_compressed(
        content, allow_pickle=False, told=np.array(json.dumps(told)), images=heat.images, labels=heat.labels
    )
    _write(files, name, content.getvalue())


def _write(files: Files, name: str, content: bytes) -> None:
    try:
        files.write(name, content)
    except OSError as error:
        raise StoreError(f"The race could not be saved in {files.path} ({error.strerror or error}).") from error


def read(files: Files, name: str) -> Heat | None:
    """What was saved; None when it is not there or damaged, so that it is run again."""
    try:
        return parse(files.read(name))
    except OSError:
        return None


def parse(content: bytes) -> Heat | None:
    """The heat that a file holds; None when it is damaged."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            told = json.loads(str(found["told"]))
            images, labels = found["images"], found["labels"]
            if images.ndim != 5 or labels.shape != images.shape[1:2] or len(images) != len(told["rows"]):
                return None
            return Heat(**told, images=images, labels=labels)
    except (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError, BadZipFile, zlib.error):
        return None


# What others have made.

NAME = re.compile(FOLDER + r"/([0-9a-f]{4,64})-([1-9][0-9]{0,6})-[0-9a-f]{12}\.npz")  # as name_of makes them


def names_of(files: Files, node_id: str) -> list[str]:
    """The names of a snapshot's heats."""
    return sorted(name for name in _of(files, node_id) if NAME.fullmatch(name))[:KEPT]


def fits(name: str, content: bytes, node: Snapshot) -> bool:
    """Whether a file from elsewhere is a whole heat of a snapshot, of that name, and can be shown."""
    named, heat = NAME.fullmatch(name), parse(content) if _is_small(content) else None
    if named is None or heat is None or named[1] != node.id or int(named[2]) != heat.units:
        return False
    images, labels = heat.images, heat.labels
    if images.dtype != np.uint8 or labels.dtype.kind not in "iu" or (len(images) and images.shape[2] not in (1, 3)):
        return False
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < node.classes_seen:
        return False
    told = isinstance(heat.racer, str) and isinstance(heat.note, str) and isinstance(heat.settings, dict)
    return told and _is_number(heat.groups) and all(_can_be_shown(row) for row in heat.rows)


def _is_small(content: bytes) -> bool:
    """Whether it may be unpacked: arrays can be packed far tighter than any pictures are."""
    try:
        with ZipFile(io.BytesIO(content)) as source:
            return sum(entry.file_size for entry in source.infolist()) <= BYTES
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def take_over(files: Files, name: str, content: bytes) -> None:
    """Keep a heat from elsewhere that fits; what is there and whole stays. Raises StoreError."""
    if read(files, name) is None:
        _write(files, name, content)


def _can_be_shown(row: Any) -> bool:
    if not isinstance(row, dict) or not isinstance(row.get("units"), int):
        return False
    judged = row.get("oracle_accuracy")
    return all(_is_number(row.get(name)) for name in MEASURED) and (judged is None or _is_number(judged))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
