"""Images as PNGs: sheets of many in one file, enlarged with crisp pixels. Pure."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image


def to_bytes(images: np.ndarray) -> np.ndarray:
    """(n, c, h, w), uint8 or in [0, 1], → uint8 (n, h, w, c)."""
    if images.dtype != np.uint8:
        images = np.round(np.clip(images.astype(np.float32), 0, 1) * 255).astype(np.uint8)
    return images.transpose(0, 2, 3, 1)


def sheet(
    rows: list[np.ndarray],
    columns: int,
    scale: int = 2,
    gap: int = 1,
    strength: Sequence[float | Sequence[float]] | None = None,
) -> bytes:
    """One PNG: row i shows the first `columns` images of rows[i], uint8 (n, h, w, c); what is missing is transparent.

    scale: pixels of the sheet for a pixel of an image; gap: pixels of an image between two images;
    strength: opacity of each row, or of each image of it, 0 … 1.
    """
    h, w, channels = next((row.shape[1:] for row in rows if len(row)), (28, 28, 1))
    canvas = np.zeros((len(rows) * (h + gap) - gap, columns * (w + gap) - gap, channels + 1), np.uint8)
    for i, row in enumerate(rows):
        opacity = np.broadcast_to(1.0 if strength is None else strength[i], columns)
        for j, image in enumerate(row[:columns]):
            cell = canvas[i * (h + gap) : i * (h + gap) + h, j * (w + gap) : j * (w + gap) + w]
            cell[..., :-1], cell[..., -1] = image, round(255 * opacity[j])
    big = canvas.repeat(scale, 0).repeat(scale, 1)
    buffer = io.BytesIO()
    Image.fromarray(big, "LA" if channels == 1 else "RGBA").save(buffer, "PNG")
    return buffer.getvalue()


def data_uri(png: bytes) -> str:
    """A PNG as an address that HTML can hold."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def by_class(images: np.ndarray, labels: np.ndarray, classes: list[int], columns: int) -> list[np.ndarray]:
    """The first images of each class: one array (up to `columns`, h, w, c) a class."""
    return [images[np.flatnonzero(labels == c)[:columns]] for c in classes]
