"""What there is to look at: the example and the person's own store, as trees of snapshots. No Streamlit, no torch.

A snapshot never changes, so whatever is read is kept, within limits.
"""

import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path

from cl_core import datasets, heats
from cl_core.config import Config
from cl_core.datasets import ASSETS
from cl_core.snapshot import Snapshot
from cl_core.store import Store, StoreError
from dashboard import notes
from dashboard.keeping import Keeping


@functools.cache  # one for the process: it may hold in memory what the disk did not take
def store_at(path: Path) -> Store:
    """The store in a folder. When its disk refuses, the session goes on in memory (keeping.py)."""
    return Store(path, Keeping(path))


def own_store() -> Store:
    """The store in which this person's steps are saved: INVERSION_LAB_STORE, or runs/store."""
    return store_at(Path(os.environ.get("INVERSION_LAB_STORE", "runs/store")))


def trouble() -> str:
    """Why this person's steps are in memory only, in a sentence; empty as long as they are saved."""
    files = own_store().files
    return files.trouble if isinstance(files, Keeping) else ""


def example_store() -> Store:
    """The store of the finished example: INVERSION_LAB_EXAMPLE, or the one in the assets."""
    return store_at(Path(os.environ.get("INVERSION_LAB_EXAMPLE", ASSETS / "example")))


@dataclass(frozen=True)
class Example:
    """The finished experiment that is shown before any click."""

    title: str
    main: str  # its last snapshot
    beside: dict[str, str]  # strategy → last snapshot of the same stream learned with it


def example() -> Example:
    """Read the example's index. Raises StoreError with a sentence when it is missing or damaged."""
    file = example_store().path / "index.json"
    try:
        index = json.loads(file.read_text(encoding="utf-8"))
        return Example(str(index["title"]), str(index["main"]), dict(index.get("beside", {})))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(
            "The finished example is missing or damaged; `python -m cl_core build-example` makes it again. "
            "“New experiment” works without it."
        ) from error


DECODED = (
    "This inversion stopped at the patch embedding, so there are no synthetic images: hidden inputs of the first block "
    "are replayed, and the pictures are decoded from those for looking at."
)


@functools.lru_cache(maxsize=2048)
def _read(path: Path, node_id: str) -> Snapshot:
    return store_at(path).load(node_id, groups=())


@functools.lru_cache(maxsize=12)
def _read_to_see(path: Path, node_id: str) -> Snapshot:
    record = store_at(path).read_node(node_id)
    looked_at = ("view", "film", "synthetic", "hidden")
    groups = [group for group in record["objects"] if group.startswith(looked_at)]
    return store_at(path).load(node_id, groups)


def glance(store: Store, node_id: str) -> Snapshot:
    """A snapshot without any array: its record tells how it went. Raises StoreError."""
    return _read(store.path, node_id)


def look(store: Store, node_id: str) -> Snapshot:
    """A snapshot with the arrays that are for looking at: features and synthetic images. Raises StoreError."""
    return _read_to_see(store.path, node_id)


def decoded(node: Snapshot) -> str:
    """What must be said of the synthetic images of a snapshot, when there are none and pictures stand for them."""
    return DECODED if node.record.get("hidden") else ""


@functools.lru_cache(maxsize=512)
def _groups(path: Path, node_id: str) -> frozenset[str]:
    return frozenset(store_at(path).read_node(node_id)["objects"])


def has_network(store: Store, node_id: str) -> bool:
    """Whether the network of a snapshot is kept with it: the example is kept without. Raises StoreError."""
    return "model" in _groups(store.path, node_id)


@dataclass(frozen=True)
class Tree:
    """All the snapshots of one experiment that a store holds, without arrays; parents before children."""

    store: Store
    nodes: dict[str, Snapshot]
    is_example: bool

    def children(self, node_id: str) -> list[Snapshot]:
        """What grew from a snapshot, oldest first."""
        return [node for node in self.nodes.values() if node.parent == node_id]

    def path(self, node_id: str) -> list[Snapshot]:
        """From the root to this snapshot."""
        path = [self.nodes[node_id]]
        while path[-1].parent is not None:
            path.append(self.nodes[path[-1].parent])
        return path[::-1]

    def farthest(self, node_id: str) -> Snapshot:
        """The leaf that was reached from here last: what a path shows beyond the snapshot one looks at."""
        node = self.nodes[node_id]
        while children := self.children(node.id):
            node = max(children, key=lambda child: len(self._below(child.id)))
        return node

    def _below(self, node_id: str) -> list[Snapshot]:
        below = [self.nodes[node_id]]
        for node in below:
            below.extend(self.children(node.id))
        return below

    def leaves(self) -> list[Snapshot]:
        """The ends of the branches, oldest branch first."""
        parents = {node.parent for node in self.nodes.values()}
        return [node for node in self.nodes.values() if node.id not in parents]

    def leaf_of(self, strategy: str) -> Snapshot | None:
        """The snapshot that got farthest with this strategy from the very first task on."""
        pure = [
            leaf
            for leaf in self.leaves()
            if all(node.record.get("strategy") == strategy for node in self.path(leaf.id) if node.verb != "start")
            and leaf.tasks_learned > 0
        ]
        return max(pure, key=lambda node: node.tasks_learned, default=None)


def find(node_id: str) -> Tree:
    """The tree around a snapshot: of the person's own store if it is there, else of the example. Raises StoreError."""
    for store, is_example in ((own_store(), False), (example_store(), True)):
        if node_id in store:
            root = _root(store, node_id)
            nodes = {node.id: node for node in _all(store) if _root(store, node.id) == root}
            return Tree(store, _parents_first(nodes), is_example)
    raise StoreError(f"There is no step “{node_id}” here; it may have been made on another machine.")


def experiments() -> list[Snapshot]:
    """The roots of the person's own experiments, newest first."""
    return [node for node in _all(own_store()) if node.parent is None][::-1]


def ends() -> list[tuple[Snapshot, Snapshot]]:
    """(root, the leaf that got farthest) of each of the person's own experiments, newest first."""
    store = own_store()
    nodes = _all(store)
    farthest: dict[str, Snapshot] = {}
    for node in nodes:  # oldest first: of several that got as far, the last
        root = _root(store, node.id)
        if root not in farthest or node.tasks_learned >= farthest[root].tasks_learned:
            farthest[root] = node
    return [(node, farthest[node.id]) for node in nodes if node.parent is None][::-1]


def delete(store: Store, node_id: str) -> None:
    """Remove a snapshot of the person's own and all that grew from it, with their notes. Raises StoreError."""
    gone = store.delete(node_id)
    for one in gone:
        notes.write(store, one, notes.Note())
    heats.forget(store.files, gone)
    _read.cache_clear()  # computed again, they will have taken another time
    _read_to_see.cache_clear()
    _groups.cache_clear()


def experience() -> list[list[tuple[Snapshot, Snapshot]]]:
    """(parent, child) of every step whose time is known: those taken here, then those of the example."""
    known = []
    for store in (own_store(), example_store()):
        nodes = {node.id: node for node in _all(store)}
        known.append([(nodes[node.parent], node) for node in nodes.values() if node.parent is not None])
    return known


def _all(store: Store) -> list[Snapshot]:
    """Every snapshot that can be read and whose ancestors can be read; a damaged one hides only what grew from it."""
    whole: dict[str, Snapshot] = {}
    for node_id in store.ids():
        try:
            whole[node_id] = _read(store.path, node_id)
        except StoreError:
            continue
    return [node for node in whole.values() if _reaches_root(whole, node)]


def _reaches_root(nodes: dict[str, Snapshot], node: Snapshot) -> bool:
    while node.parent is not None:
        if node.parent not in nodes:
            return False
        node = nodes[node.parent]
    return True


def _root(store: Store, node_id: str) -> str:
    node = _read(store.path, node_id)
    while node.parent is not None:
        node = _read(store.path, node.parent)
    return node.id


def _parents_first(nodes: dict[str, Snapshot]) -> dict[str, Snapshot]:
    ordered: dict[str, Snapshot] = {}
    waiting = list(nodes.values())
    while waiting:
        ready = [node for node in waiting if node.parent is None or node.parent in ordered]
        ordered |= {node.id: node for node in ready}
        waiting = [node for node in waiting if node.id not in ordered]
    return ordered


def title(config: Config, class_count: int) -> str:
    """An experiment in a few words."""
    increment, first = config.stream.increment, config.stream.first or config.stream.increment
    tasks = 1 + -(-(class_count - first) // increment)
    name = datasets.title(config.stream.data)
    order = ", shuffled" if config.stream.class_order == "shuffled" else ""
    sizes = f"{first}" if first == increment or tasks == 1 else f"{first}, then {increment}"
    how_many = f"{tasks} task{'s' if tasks > 1 else ''} of {sizes}"
    if config.stream.by_domain:
        how_many = "domain by domain"
    return f"{name} · {how_many}{order} · seed {config.machine.seed}"
