"""Names and notes that a person gives to branches: beside the snapshots, and no part of them.

    store/notes/<id>.json   {"name": …, "note": …} of the branch that begins with that snapshot

The text is the person's own: whoever shows it escapes it.
"""

import json
from dataclasses import dataclass

from cl_core.store import Store, StoreError

NAME, NOTE = 60, 2000  # characters at most


@dataclass(frozen=True)
class Note:
    """What a person calls a branch and says of it; empty where nothing was said."""

    name: str = ""
    note: str = ""


def read(store: Store, node_id: str) -> Note:
    """What was said of a branch. Raises StoreError when the file is damaged."""
    name = _name_of(node_id)
    try:
        plain = json.loads(store.files.read(name))
        return Note(_clean(plain["name"], NAME), _clean(plain["note"], NOTE))
    except FileNotFoundError:
        return Note()
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(f"The note {name} in {store.path} is damaged; write it again or delete it.") from error


def write(store: Store, node_id: str, note: Note) -> None:
    """Keep what was said of a branch, whole or not at all; nothing said removes the file. Raises StoreError."""
    kept = Note(_clean(note.name, NAME), _clean(note.note, NOTE))
    try:
        if kept == Note():
            store.files.remove(_name_of(node_id))
        else:
            text = json.dumps({"name": kept.name, "note": kept.note}, ensure_ascii=False)
            store.files.write(_name_of(node_id), text.encode("utf-8"))
    except OSError as error:
        raise StoreError(f"The note could not be written in {store.path} ({error.strerror or error}).") from error


def _name_of(node_id: str) -> str:
    return f"notes/{node_id}.json"


def _clean(text: object, limit: int) -> str:
    if not isinstance(text, str):
        raise TypeError("text is wanted")
    return text.strip().encode("utf-8", "replace").decode("utf-8")[:limit]
