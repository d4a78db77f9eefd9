"""The tree on disk: safetensors and JSON, atomic, content-addressed, verified on read. No torch.

    store/objects/<sha256>.safetensors   one group of arrays; snapshots that share a group share the file
    store/nodes/<id>.json                a snapshot: its record, its config and the hashes of its groups
    store/damaged/…                      what was found damaged and set aside; nobody reads it

A node is written last, by rename, so that a node whose write was interrupted does not exist. Two processes may share
a store: equal names have equal contents. Deleting takes the nodes first, then the objects that no node names any more;
an object that was written or reused within the last GRACE seconds stays, for a node that is about to name it.
"""

import contextlib
import hashlib
import json
import logging
import re
import shutil
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from cl_core.config import Config
from cl_core.files import Files
from cl_core.nodes import (
    FORMAT,
    DamagedError,
    StoreError,
    VersionError,
    node_name,
    object_name,
    parse,
    sealed,
)
from cl_core.snapshot import Snapshot, freeze

GRACE = 600.0  # seconds in which a step that reuses an object is surely written
FOLDERS = ("nodes", "objects", "notes", "comparisons", "umap", "races")  # where files are written by way of a .part
__all__ = ["DamagedError", "Store", "StoreError", "VersionError", "node_name", "object_name", "sealed"]

LOG = logging.getLogger(__name__)


class Store:
    """Snapshots in a folder. Reading never changes the folder, except where `find` says so."""

    def __init__(self, path: str | Path, files: Files | None = None) -> None:
        self.path = Path(path)
        self.files = files or Files(path)

    def ids(self) -> list[str]:
        """The ids of all the snapshots, oldest first."""
        return [Path(name).stem for name in self.files.names("nodes", ".json")]

    def made(self, node_id: str) -> float | None:
        """When a snapshot was saved, in seconds since 1970; None when it is not there."""
        return self.files.made(node_name(node_id))

    def __contains__(self, node_id: str) -> bool:
        return self.made(node_id) is not None

    def save(self, snapshot: Snapshot) -> None:
        """Write a snapshot, or what is damaged of it; at once if it is there already.

        Raises StoreError when the disk refuses, VersionError when another version's step has its place.
        """
        if snapshot.id in self and self.is_whole(snapshot.id):
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
            self.files.write(node_name(snapshot.id), json.dumps(sealed(node), indent=1).encode())
        except OSError as error:
            raise StoreError(f"The step could not be saved in {self.path} ({error.strerror or error}).") from error

    def find(self, node_id: str) -> Snapshot | None:
        """A snapshot with all its arrays; None when it is not there or damaged, so that it has to be computed again.

        What is damaged is set aside and named in the log. Raises VersionError.
        """
        if node_id not in self:
            return None
        try:
            return self.load(node_id)
        except DamagedError as error:
            LOG.warning("%s It is computed again.", error)
            self.set_aside(error.file)
            return None

    def is_whole(self, node_id: str) -> bool:
        """Whether a snapshot and all its arrays can be read. Raises VersionError."""
        try:
            for digest in self.read_node(node_id)["objects"].values():
                self._read_object(digest)
        except VersionError:
            raise
        except StoreError:
            return False
        return True

    def load(self, node_id: str, groups: Collection[str] | None = None) -> Snapshot:
        """Read a snapshot, with all its groups of arrays or only those named. Raises DamagedError, VersionError."""
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
        """A node's JSON without its arrays, verified. Raises StoreError, DamagedError, VersionError."""
        name = node_name(node_id)
        try:
            content = self.files.read(name)
        except FileNotFoundError:
            raise StoreError(f"There is no step {node_id} in {self.path}.") from None
        except OSError as error:
            raise DamagedError(name, f"The step {name} in {self.path} cannot be read ({error.strerror}).") from error
        return parse(content, node_id, self.path)

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
                self.files.remove(node_name(node))
        except OSError as error:
            raise StoreError(f"The steps could not be deleted from {self.path} ({error.strerror or error}).") from error
        self.prune()
        return gone

    def prune(self) -> tuple[int, int]:
        """Remove what no step needs: objects that no node names, and what killed processes left half-written.

        Whatever looks like a name in a node counts as named, also in a damaged one. Nothing goes that was written or
        reused within GRACE seconds. Returns how many files went and their bytes. Raises StoreError.
        """
        try:
            sizes = self._remove_unfinished()
            named: set[bytes] = set()
            for name in self.files.names("nodes", ".json"):
                with contextlib.suppress(FileNotFoundError):  # deleted by another process meanwhile
                    named.update(re.findall(rb"[0-9a-f]{64}", self.files.read(name)))
            for name in self.files.names("objects", ".safetensors"):
                if Path(name).stem.encode() not in named:
                    sizes.append(self.files.remove_if_old(name, GRACE))
        except OSError as error:
            raise StoreError(f"Nothing can be removed from {self.path} ({error.strerror or error}).") from error
        return sum(size > 0 for size in sizes), sum(sizes)

    def _remove_unfinished(self) -> list[int]:
        """Remove what is left of interrupted writes and imports; put back what was about to be removed. Sizes."""
        sizes = []
        for name in [name for folder in FOLDERS for name in self.files.unfinished(folder)]:
            if self.files.put_back(name) is None:
                sizes.append(self.files.remove_if_old(name, GRACE))
        for folder in self.path.glob(".import-*"):
            found = [(f.stat().st_mtime, f.stat().st_size) for f in [folder, *folder.rglob("*")]]
            if time.time() - max(when for when, _ in found) > GRACE:
                shutil.rmtree(folder, ignore_errors=True)
                sizes.append(sum(size for _, size in found))
        return sizes

    def set_aside(self, name: str) -> str | None:
        """Move a damaged file where nobody reads it. Returns its name there; None when the disk refuses."""
        try:
            return self.files.set_aside(name)
        except OSError:
            return None

    def _save_object(self, arrays: dict[str, np.ndarray]) -> str:
        content = safetensors.numpy.save(arrays)
        digest = hashlib.sha256(content).hexdigest()
        name = object_name(digest)
        try:
            self.files.touch(name)  # in use again: whoever prunes leaves it
            whole = self.files.read(name) == content
        except FileNotFoundError:
            self.files.write(name, content)
            return digest
        if not whole:
            self.set_aside(name)
            self.files.write(name, content)
        return digest

    def _read_object(self, digest: str) -> bytes:
        name = object_name(digest)
        try:
            content = self.files.read(name)
        except OSError as error:
            why = f"cannot be read ({error.strerror})"
            raise DamagedError(name, f"A part of this step, {name}, {why}; take the step again.") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise DamagedError(
                name, f"A part of this step, {name}, is damaged; take the step again to compute it anew."
            )
        return content

    def _load_object(self, digest: str) -> dict[str, np.ndarray]:
        content = self._read_object(digest)
        try:
            return safetensors.numpy.load(content)
        except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
            name = object_name(digest)
            raise DamagedError(name, f"A part of this step, {name}, holds no arrays that can be read.") from error
