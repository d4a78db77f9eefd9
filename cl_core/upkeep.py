"""What a store holds and whether it is whole. No torch."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cl_core.config import Config
from cl_core.store import DamagedError, Store, StoreError, VersionError, object_name


@dataclass(frozen=True)
class Entry:
    """A step as a list shows it."""

    id: str
    what: str
    made: float | None  # seconds since 1970
    size: int  # bytes of its record and of the arrays that no older step has


@dataclass(frozen=True)
class Fault:
    """Something that is not as it should be: the file's name in the store, and a sentence."""

    file: str
    sentence: str


@dataclass
class Verdict:
    """What a look at every file of a store found.

    damaged: the store has lost something; others: steps of another version of the program, which are left alone;
    unfinished: what an interrupted write left (or one that is under way), which nobody reads.
    """

    steps: list[str] = field(default_factory=list)  # ids of those that are whole, with all their arrays
    objects: int = 0  # those that are whole
    damaged: list[Fault] = field(default_factory=list)
    others: list[Fault] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)


def listing(store: Store) -> Iterator[Entry]:
    """Every step, oldest first, also one that cannot be read."""
    counted: set[str] = set()
    for node_id in store.ids():
        size = 0
        try:
            node = store.read_node(node_id)
            what, digests = _words(node), set(node["objects"].values())
        except StoreError as error:
            what, digests = ("damaged" if isinstance(error, DamagedError) else "of another version"), set[str]()
        with contextlib.suppress(OSError):  # deleted meanwhile, or missing
            size = store.files.size(f"nodes/{node_id}.json")
        for digest in digests - counted:
            with contextlib.suppress(OSError):
                size += store.files.size(object_name(digest))
        counted |= digests
        yield Entry(node_id, what, store.made(node_id), size)


def _words(node: dict[str, Any]) -> str:
    task, config = node["tasks_learned"], Config.from_dict(node["config"])
    if node["verb"] == "start":
        return f"start: {config.stream.data}, {len(node['task_sizes'])} tasks, seed {config.machine.seed}"
    verb = f"learned task {task}" if node["verb"] == "learn" else f"inverted after task {task}"
    return f"{verb}, {node['record'].get('strategy')}"


def verify(store: Store, set_aside: bool = True) -> Verdict:
    """Read every node and every object. What is damaged is named, and set aside unless one only wants to look.

    A step whose arrays are lost keeps its record: taking it again brings them back.
    """
    found = Verdict(unfinished=[name for part in ("nodes", "objects") for name in store.files.unfinished(part)])
    lost = _verify_objects(store, found, set_aside)
    nodes: dict[str, dict[str, Any]] = {}
    for node_id in store.ids():
        file = f"nodes/{node_id}.json"
        try:
            nodes[node_id] = store.read_node(node_id)
        except VersionError as error:
            found.others.append(Fault(file, str(error)))
        except DamagedError:
            found.damaged.append(Fault(file, _harm(store, file, set_aside)))
        except StoreError:  # deleted by another process meanwhile
            continue
    others = {Path(fault.file).stem for fault in found.others}
    for node_id, node in nodes.items():
        missing = [digest for digest in node["objects"].values() if digest in lost or not _there(store, digest)]
        for digest in missing:
            words = f"{node_id} ({_words(node)}) lacks {object_name(digest)}; take that step again to bring it back."
            found.damaged.append(Fault(object_name(digest), words))
        if node["parent"] is not None and node["parent"] not in nodes.keys() | others:
            words = f"{node_id} ({_words(node)}) lacks the step before it, {node['parent']}; take that one again."
            found.damaged.append(Fault(f"nodes/{node_id}.json", words))
        if not missing:
            found.steps.append(node_id)
    return found


def _verify_objects(store: Store, found: Verdict, set_aside: bool) -> set[str]:
    """The digests of the objects that are damaged."""
    lost = set()
    for name in store.files.names("objects", ".safetensors"):
        try:
            whole = hashlib.sha256(store.files.read(name)).hexdigest() == Path(name).stem
        except FileNotFoundError:  # deleted by another process meanwhile
            continue
        except OSError:
            whole = False
        if whole:
            found.objects += 1
        else:
            lost.add(Path(name).stem)
            found.damaged.append(Fault(name, _harm(store, name, set_aside)))
    return lost


def _there(store: Store, digest: str) -> bool:
    return store.files.made(object_name(digest)) is not None


def _harm(store: Store, name: str, set_aside: bool) -> str:
    """What is wrong with a damaged file, and where it went."""
    aside = store.set_aside(name) if set_aside else None
    if aside is not None:
        return f"{name} is damaged; it was set aside as {aside}."
    return f"{name} is damaged" + ("; it could not be set aside." if set_aside else ".")
