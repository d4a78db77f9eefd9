"""What an exported run holds for people, beside the steps themselves: settings, measures, features, images, network."""

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import safetensors.numpy
from PIL import Image

from cl_core import archive, recipe
from cl_core.commands import report
from cl_core.datasets import DataError
from cl_core.snapshot import Snapshot
from cl_core.store import Store

README = """A run of Inversion Lab.

settings.json       the steps and their settings; `python -m cl_core run --from settings.json` computes them again
versions.json       of Python and the packages with which this file was written
metrics.csv         accuracy on every task after every task, validation and test
features.npz        what the features' picture shows (numpy): real and synthetic features, their classes, the Gaussians
model.safetensors   the network's parameters after the last step
synthetic/          the synthetic images of each class, {note}
races/              the races that were run at these steps: each racer's measures on the way, and its images (numpy)
store/              the steps; `python -m cl_core import FILE.zip` opens them again
"""


def exported(store: Store, node_id: str) -> bytes:
    """The zip of the run that led to a snapshot, with all that. Raises StoreError."""
    return archive.pack(store, node_id, files(store.lineage(node_id)))


def files(path: Sequence[Snapshot]) -> dict[str, bytes]:
    """The files for people of a run, root … leaf, by name."""
    leaf = path[-1]
    made = {
        "settings.json": recipe.of(path).to_json().encode(),
        "versions.json": json.dumps(report.versions(), indent=1).encode(),
    }
    if leaf.tasks_learned:
        made["metrics.csv"] = report.csv_text(leaf.record).encode()
        made["features.npz"] = _features(leaf)
        made["model.safetensors"] = safetensors.numpy.save(leaf.group("model"))
    note = "and a sheet of them beside real ones"
    if leaf.hidden is not None:
        note += "; inversion stopped at the patch embedding, and they are decoded from what is replayed, for looking at"
    images, labels = leaf.synthetic
    for c in np.unique(labels):
        made[f"synthetic/{_plain(leaf.class_names[c])}.png"] = _grid(images[labels == c])
    if len(labels):
        try:
            made["synthetic/sheet.png"] = _png(report.sheet(leaf))
        except DataError as error:
            note = f"without real ones beside them ({error})"
    made["README.txt"] = README.format(note=note).encode()
    return made


def _features(leaf: Snapshot) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = dict(leaf.group("view"))
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _grid(images: np.ndarray, columns: int = 10) -> bytes:
    """All the images (n, c, h, w) in [0, 1] of a class, a pixel for a pixel, ten a row."""
    pixels = np.rint(np.clip(images.astype(np.float32), 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    n, h, w, channels = pixels.shape
    rows = -(-n // columns)
    canvas = np.zeros((rows * columns, h, w, channels), np.uint8)
    canvas[:n] = pixels
    sheet = canvas.reshape(rows, columns, h, w, channels).transpose(0, 2, 1, 3, 4).reshape(rows * h, columns * w, -1)
    return _png(Image.fromarray(sheet[..., 0] if channels == 1 else sheet))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _plain(name: str) -> str:
    """A class name as a file name."""
    return "".join(c if c.isalnum() or c in " -_" else "-" for c in name).strip() or "class"
