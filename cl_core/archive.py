"""A run in one file: a zip of the snapshots from the root to one of them, to be opened again elsewhere.

    manifest.json                       what this is: the format, the ids from the root on, the leaf last
    store/nodes/<id>.json               as in a store (store.py)
    store/objects/<sha256>.safetensors  as in a store
    races/<id>-<units>-<hash>.npz       the heats of races at these steps (heats.py)
    anything else                       for people (commands/bundle.py); it is not read

Nothing in it is a pickle, and no name in it becomes a path: what is read is looked up under names made here from the
checked ids. Sizes and counts are limited before anything is unpacked; the store verifies every part; and only what is
whole is taken over.
"""

import io
import json
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from safetensors import SafetensorError

from cl_core import heats, shapes
from cl_core.config import ConfigError
from cl_core.snapshot import Snapshot
from cl_core.store import Store, StoreError, node_name, object_name

FORMAT, KIND = 1, "inversion-lab run"
ENTRIES, STEPS = 20_000, 1000
MANIFEST_BYTES, NODE_BYTES, TOTAL_BYTES = 1_000_000, 64_000_000, 4_000_000_000
RATIO = 200  # a text is packed to a tenth or so; tighter than this is meant to do harm
FOREIGN = "This file is not a run that was exported by this program, or it is damaged"
WRONG = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, SafetensorError, ConfigError, OSError, EOFError,
    ValueError, KeyError, TypeError, IndexError, AttributeError, RuntimeError, NotImplementedError, RecursionError,
)  # fmt: skip


def pack(store: Store, node_id: str, more: Mapping[str, bytes]) -> bytes:
    """The zip of a snapshot and its ancestors. more: files for people, by name. Raises StoreError."""
    path = store.lineage(node_id)
    if any(step.verb != "start" and not step.group("model") for step in path):
        raise StoreError("This run was stored without its networks, so that it cannot be taken along.")
    nodes = {step.id: store.read_node(step.id) for step in path}
    manifest = {"kind": KIND, "format": FORMAT, "nodes": [step.id for step in path]}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        _add(target, "manifest.json", json.dumps(manifest, indent=1).encode())
        for name, content in more.items():
            _add(target, name, content)
        for node in nodes:
            _add(target, f"store/{node_name(node)}", store.files.read(node_name(node)))
        for digest in sorted({digest for node in nodes.values() for digest in node["objects"].values()}):
            _add(target, f"store/{object_name(digest)}", store.files.read(object_name(digest)))
        for name in (name for step in path for name in heats.names_of(store.files, step.id)):
            _add(target, name, store.files.read(name))
    return buffer.getvalue()


def unpack(file: Path | BinaryIO, store: Store) -> str:
    """Take the snapshots of a zip over into a store; those that are there already stay. Returns the leaf's id.

    Raises StoreError with one sentence when the file is damaged, foreign or too large; the store is then as it was.
    """
    try:
        store.path.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=store.path, prefix=".import-"))
    except OSError as error:
        raise StoreError(f"Nothing can be written in {store.path} ({error.strerror or error}).") from error
    try:
        with zipfile.ZipFile(file) as source:
            ids = _unpack_aside(source, Store(aside))
            steps = _check(Store(aside), ids)
            races = _races(source, steps)
        _take_over(Store(aside), ids, races, store)
    except StoreError as error:
        raise StoreError(f"The file was not taken over. {error}") from error
    except WRONG as error:
        raise StoreError(f"{FOREIGN} ({type(error).__name__}).") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return ids[-1]


def _add(target: zipfile.ZipFile, name: str, content: bytes) -> None:
    """One entry, always with the same date; text is packed, arrays are not (it gains a few percent and takes long)."""
    info = zipfile.ZipInfo(name)
    plain = name.endswith((".json", ".csv", ".txt"))
    info.compress_type = zipfile.ZIP_DEFLATED if plain else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    target.writestr(info, content)


def _unpack_aside(source: zipfile.ZipFile, aside: Store) -> list[str]:
    """Write the nodes and objects that the manifest names into a store of their own. Returns the ids, root first."""
    infos = source.infolist()
    names = {info.filename: info for info in infos}
    if len(infos) > ENTRIES or len(names) != len(infos):
        raise StoreError(f"It has more than {ENTRIES} parts, or two of the same name.")
    if sum(info.file_size for info in infos) > TOTAL_BYTES:
        raise StoreError(f"Unpacked, it would be larger than {TOTAL_BYTES // 10**9} GB.")
    if any(info.file_size > RATIO * max(info.compress_size, 1) + 1000 for info in infos):
        raise StoreError("A part of it is packed far tighter than any run is.")
    if "manifest.json" not in names:
        raise StoreError("It is a zip, but it has no manifest of a run.")
    manifest = json.loads(_read(source, names, "manifest.json", MANIFEST_BYTES))
    if manifest["kind"] != KIND or manifest["format"] != FORMAT:
        raise StoreError(f"It was not exported by this program, or by a version of another format than {FORMAT}.")
    ids = [str(node) for node in manifest["nodes"]]
    if not 0 < len(ids) <= STEPS or not all(re.fullmatch(r"[0-9a-f]{4,64}", node) for node in ids):
        raise StoreError(f"It must have 1 to {STEPS} steps with names of 0–9 and a–f.")
    for folder in ("nodes", "objects"):
        (aside.path / folder).mkdir()
    for node in ids:
        content = _read(source, names, f"store/nodes/{node}.json", NODE_BYTES)
        (aside.path / "nodes" / f"{node}.json").write_bytes(content)
        for digest in aside.read_node(node)["objects"].values():
            if not re.fullmatch(r"[0-9a-f]{64}", digest):
                raise StoreError("A step names a part that cannot exist.")
            target = aside.path / "objects" / f"{digest}.safetensors"
            if not target.exists():
                target.write_bytes(_read(source, names, f"store/objects/{digest}.safetensors", TOTAL_BYTES))
    return ids


def _read(source: zipfile.ZipFile, names: Mapping[str, zipfile.ZipInfo], name: str, limit: int) -> bytes:
    """The content of one entry, which is as long as it says, and no longer than the limit."""
    if name not in names:
        raise StoreError(f"It lacks its part {name}.")
    if names[name].file_size > limit:
        raise StoreError(f"Its part {name} is larger than {limit // 10**6} MB.")
    with source.open(names[name]) as stream:
        return stream.read(names[name].file_size + 1)


def _check(aside: Store, ids: list[str]) -> list[Snapshot]:
    """Read every snapshot: whole (the store sees to that), a chain from a root on, and of a shape that can be shown.

    They are returned without their arrays.
    """
    before: Snapshot | None = None
    for node in ids:
        step = aside.load(node)
        if step.parent != (before.id if before is not None else None) or (step.verb == "start") != (before is None):
            raise StoreError("Its steps do not follow each other.")
        shapes.check(step)
        before = step
    return [aside.load(node, groups=()) for node in ids]


def _races(source: zipfile.ZipFile, steps: list[Snapshot]) -> dict[str, bytes]:
    """The heats of these snapshots, by their files' names."""
    names = {info.filename: info for info in source.infolist()}
    found = {}
    for node in steps:
        for name in [name for name in names if name.startswith(f"{heats.FOLDER}/{node.id}-")][: heats.KEPT]:
            content = _read(source, names, name, heats.BYTES)
            if not heats.fits(name, content, node):
                raise StoreError("A race in it is damaged.")
            found[name] = content
    return found


def _take_over(aside: Store, ids: list[str], races: Mapping[str, bytes], store: Store) -> None:
    """Save the snapshots, root first, and their races; when one cannot be saved, all that is new goes again."""
    new = [node for node in ids if node not in store]
    try:
        for node in ids:  # of those that are there, what is damaged is mended
            store.save(aside.load(node))
        for name, content in races.items():
            heats.take_over(store.files, name, content)
    except StoreError:
        if new and new[0] in store:
            heats.forget(store.files, store.delete(new[0]))
        raise
