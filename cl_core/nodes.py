"""A node of a store as a file: its name, its seal, its format, and what can be wrong with it."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from cl_core.config import Config, ConfigError

FORMAT = 1  # of a node; whatever the format, a node is a JSON object with its number in it, sealed as `sealed` does


class StoreError(RuntimeError):
    """A store cannot be read or written. The message is one sentence for people."""


class DamagedError(StoreError):
    """A file is damaged, or is not there although a step needs it. file: its name in the store."""

    def __init__(self, file: str, sentence: str) -> None:
        super().__init__(sentence)
        self.file = file


class VersionError(StoreError):
    """A step was written by another version of this program. It is whole: nothing may set it aside or replace it."""


def node_name(node_id: str) -> str:
    """The name of a node's file. Raises StoreError when that cannot be the id of a step."""
    if not isinstance(node_id, str) or not re.fullmatch(r"[0-9a-f]{1,64}", node_id):
        raise StoreError(f"{str(node_id)[:80]!r} is not the name of a step; names are made of 0–9 and a–f.")
    return f"nodes/{node_id}.json"


def object_name(digest: str) -> str:
    """The name of the file of a group of arrays."""
    return f"objects/{digest}.safetensors"


def sealed(node: dict[str, Any]) -> dict[str, Any]:
    """The node with a checksum over everything else in it."""
    text = json.dumps(node, sort_keys=True)
    return node | {"seal": hashlib.sha256(text.encode()).hexdigest()}


def parse(content: bytes, node_id: str, where: Path) -> dict[str, Any]:
    """The node that a file holds, verified. Raises DamagedError and VersionError."""
    name = node_name(node_id)
    damaged = DamagedError(name, f"The step {name} in {where} is damaged; take the step again to compute it anew.")
    try:
        node = json.loads(content.decode("utf-8"))
        seal = node.pop("seal")
        whole = seal == sealed(node)["seal"] and node["id"] == node_id
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged from error
    if not whole:
        raise damaged
    if (version := node.get("format")) != FORMAT:
        newer = isinstance(version, int) and version > FORMAT
        raise VersionError(
            f"The step {node_id} in {where} was written by {'a newer' if newer else 'another'} version of this program "
            f"(format {version}; this one reads {FORMAT}); {'update it' if newer else 'use that one'} to open the step."
        )
    if not _has_the_shape_of_a_node(node):
        raise damaged
    try:
        Config.from_dict(node["config"])
    except ConfigError as error:
        raise VersionError(
            f"The step {node_id} in {where} has settings that this version of the program does not know. {error}"
        ) from error
    return node


def _has_the_shape_of_a_node(node: dict[str, Any]) -> bool:
    """Whether everything is there, of the kind that it should be."""
    parent, objects = node.get("parent"), node.get("objects")
    names, sizes = node.get("class_names"), node.get("task_sizes")
    return (
        (parent is None or isinstance(parent, str))
        and isinstance(node.get("verb"), str)
        and isinstance(node.get("tasks_learned"), int)
        and isinstance(node.get("config"), dict)
        and isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and isinstance(sizes, list)
        and all(isinstance(size, int) for size in sizes)
        and isinstance(objects, dict)
        and all(isinstance(digest, str) and re.fullmatch(r"[0-9a-f]{64}", digest) for digest in objects.values())
        and isinstance(node.get("record"), dict)
    )
