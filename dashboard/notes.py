"""Names and notes that a person gives to branches: beside the snapshots, and no part of them.

    store/notes/<id>.json   {"name": …, "note": …} of the branch that begins with that snapshot

The text is the person's own: whoever shows it escapes it.
"""

import json
from dataclasses import dataclass

from cl_core.files import write_whole
from cl_core.store import Store, StoreError

NAME, NOTE = 60, 2000  # characters at most


@dataclass(frozen=True)
class Note:
    """What a person calls a branch and says of it; empty where nothing was said."""

    name: str = ""
    note: str = ""


def read(store: Store, node_id: str) -> Note:
    """What was said of a branch. Raises StoreError when the file is damaged."""
    file = store.path / "notes" / f"{node_id}.json"
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
        return Note(_clean(plain["name"], NAME), _clean(plain["note"], NOTE))
    except FileNotFoundError:
        return Note()
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(f"The note {file.name} in {file.parent} is damaged; write it again or delete it.") from error


def write(store: Store, node_id: str, note: Note) -> None:
    """Keep what was said of a branch, whole or not at all; nothing said removes the file. Raises StoreError."""
    file = store.path / "notes" / f"{node_id}.json"
    kept = Note(_clean(note.name, NAME), _clean(note.note, NOTE))
    try:
        if kept == Note():
            file.unlink(missing_ok=True)
        else:
            text = json.dumps({"name": kept.name, "note": kept.note}, ensure_ascii=False)
            write_whole(file, text.encode("utf-8"))
    except OSError as error:
        raise StoreError(f"The note could not be written in {file.parent} ({error.strerror or error}).") from error


def _clean(text: object, limit: int) -> str:
    if not isinstance(text, str):
        raise TypeError("text is wanted")
    return text.strip().encode("utf-8", "replace").decode("utf-8")[:limit]
