"""The tree on disk: safetensors and JSON, atomic, content-addressed, verified on read. No torch.

    store/objects/<sha256>.safetensors   one group of arrays; snapshots that share a group share the file
    store/nodes/<id>.json                a snapshot: its record, its config and the hashes of its groups

A node is written last, by rename, so that a node whose write was interrupted does not exist. Two processes may share
a store: equal names have equal contents. Deleting takes the nodes first, then the objects that no node names any more;
an object that was written or reused within the last GRACE seconds stays, for a node that is about to name it.
"""

import contextlib
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from cl_core.config import Config, ConfigError
from cl_core.snapshot import Snapshot, freeze

FORMAT = 1
GRACE = 600.0  # seconds in which a step that reuses an object is surely written


class StoreError(RuntimeError):
    """A store cannot be read or written. The message is one sentence for people."""


class Store:
    """Snapshots in a folder. Reading never changes the folder."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def ids(self) -> list[str]:
        """The ids of all the snapshots, oldest first."""
        files = list((self.path / "nodes").glob("*.json")) if self.path.is_dir() else []
        return [file.stem for file in sorted(files, key=lambda file: (file.stat().st_mtime, file.stem))]

    def made(self, node_id: str) -> float | None:
        """When a snapshot was saved, in seconds since 1970; None when it is not there."""
        file = self._node_file(node_id)
        return file.stat().st_mtime if file.is_file() else None

    def __contains__(self, node_id: str) -> bool:
        return self._node_file(node_id).is_file()

    def save(self, snapshot: Snapshot) -> None:
        """Write a snapshot; at once if it is there already. Raises StoreError when the disk refuses."""
        if snapshot.id in self:
            return
        groups: dict[str, dict[str, np.ndarray]] = {}
        for name, array in snapshot.arrays.items():
            group, _, rest = name.partition("/")
            groups.setdefault(group, {})[rest] = array
        try:
            objects = {group: self._save_object(arrays) for group, arrays in groups.items()}
            node = {
                "format": FORMAT,
                "id": snapshot.id,
                "parent": snapshot.parent,
                "verb": snapshot.verb,
                "tasks_learned": snapshot.tasks_learned,
                "config": snapshot.config.to_dict(),
                "class_names": list(snapshot.class_names),
                "task_sizes": list(snapshot.task_sizes),
                "objects": objects,
                "record": snapshot.record,
            }
            write_whole(self._node_file(snapshot.id), json.dumps(_sealed(node), indent=1).encode())
        except OSError as error:
            raise StoreError(f"The step could not be saved in {self.path} ({error.strerror or error}).") from error

    def load(self, node_id: str, groups: Collection[str] | None = None) -> Snapshot:
        """Read a snapshot, with all its groups of arrays or only those named. Raises StoreError when damaged."""
        node = self.read_node(node_id)
        arrays: dict[str, np.ndarray] = {}
        for group, digest in node["objects"].items():
            if groups is None or group in groups:
                arrays |= {f"{group}/{name}": array for name, array in self._load_object(digest).items()}
        return Snapshot(
            id=node["id"],
            parent=node["parent"],
            verb=node["verb"],
            tasks_learned=node["tasks_learned"],
            config=Config.from_dict(node["config"]),
            class_names=tuple(node["class_names"]),
            task_sizes=tuple(node["task_sizes"]),
            arrays=freeze(arrays),
            record=node["record"],
        )

    def read_node(self, node_id: str) -> dict[str, Any]:
        """A node's JSON without its arrays, verified. Raises StoreError."""
        file = self._node_file(node_id)
        try:
            node = json.loads(file.read_text())
            seal = node.pop("seal")
            whole = node["format"] == FORMAT and node["id"] == node_id and seal == _sealed(node)["seal"]
            Config.from_dict(node["config"])
        except FileNotFoundError:
            raise StoreError(f"There is no step {node_id} in {self.path}.") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
            raise StoreError(
                f"The step {file.name} in {self.path} is damaged ({error}); delete it to go on."
            ) from error
        if not whole:
            raise StoreError(
                f"The step {file.name} in {self.path} is damaged or of another version; delete it to go on."
            )
        return node

    def lineage(self, node_id: str, groups: Collection[str] | None = None) -> list[Snapshot]:
        """The snapshots from the root to this one, this one included."""
        path: list[Snapshot] = []
        current: str | None = node_id
        while current is not None:
            path.append(self.load(current, groups))
            current = path[-1].parent
        return path[::-1]

    def below(self, node_id: str) -> list[str]:
        """The ids of a snapshot and of all that grew from it, parents before children. Damaged ones are left out."""
        parents: dict[str, str | None] = {}
        for known in self.ids():
            with contextlib.suppress(StoreError):
                parents[known] = self.read_node(known)["parent"]
        found = [node_id]
        for node in found:  # grows while it is walked
            found.extend(child for child, parent in parents.items() if parent == node)
        return found

    def delete(self, node_id: str) -> list[str]:
        """Remove a snapshot and all that grew from it, and what only they needed. Returns their ids.

        Children go before parents, so that what an interruption leaves can still be read. Raises StoreError.
        """
        gone = self.below(node_id)
        try:
            for node in reversed(gone):
                self._node_file(node).unlink(missing_ok=True)
            self._prune()
        except OSError as error:
            raise StoreError(f"The steps could not be deleted from {self.path} ({error.strerror or error}).") from error
        return gone

    def _prune(self) -> None:
        """Remove the objects that no node names. Whatever looks like a name in a node counts, also in a damaged one."""
        named: set[bytes] = set()
        for file in (self.path / "nodes").glob("*.json"):
            with contextlib.suppress(FileNotFoundError):  # deleted by another process meanwhile
                named.update(re.findall(rb"[0-9a-f]{64}", file.read_bytes()))
        for file in (self.path / "objects").glob("*.safetensors"):
            if file.stem.encode() not in named:
                _remove_if_old(file)

    def _node_file(self, node_id: str) -> Path:
        if not node_id or not all(c in "0123456789abcdef" for c in node_id):
            raise StoreError(f"{node_id!r} is not the name of a step; names are made of 0–9 and a–f.")
        return self.path / "nodes" / f"{node_id}.json"

    def _save_object(self, arrays: dict[str, np.ndarray]) -> str:
        content = safetensors.numpy.save(arrays)
        digest = hashlib.sha256(content).hexdigest()
        file = self.path / "objects" / f"{digest}.safetensors"
        try:
            os.utime(file)  # in use again: whoever prunes leaves it
            whole = file.read_bytes() == content
        except FileNotFoundError:
            whole = False
        if not whole:  # a damaged one is mended
            write_whole(file, content)
        return digest

    def _load_object(self, digest: str) -> dict[str, np.ndarray]:
        file = self.path / "objects" / f"{digest}.safetensors"
        try:
            content = file.read_bytes()
        except OSError as error:
            raise StoreError(f"A part of this step, {file.name}, cannot be read ({error.strerror}).") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise StoreError(f"A part of this step, {file.name}, is damaged; delete the step to compute it again.")
        return safetensors.numpy.load(content)


def _remove_if_old(file: Path) -> None:
    """Remove an object unless it was written or reused of late.

    It is set aside by rename before its age is looked at for the last time: a process that reuses it either did so
    before, and it is put back, or does not find it, and writes it anew.
    """
    aside = file.with_name(f".{file.stem}.part")
    with contextlib.suppress(FileNotFoundError):  # another process was quicker
        if time.time() - file.stat().st_mtime < GRACE:
            return
        os.replace(file, aside)
        if time.time() - aside.stat().st_mtime < GRACE:
            os.replace(aside, file)
        else:
            aside.unlink()


def _sealed(node: dict[str, Any]) -> dict[str, Any]:
    """The node with a checksum over everything else in it."""
    text = json.dumps(node, sort_keys=True)
    return node | {"seal": hashlib.sha256(text.encode()).hexdigest()}


def write_whole(file: Path, content: bytes) -> None:
    """Write to a temporary name in the same folder, flush, rename: the file appears whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
