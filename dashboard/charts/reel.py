"""The film of an inversion as numbers: its parts, its losses as places on an axis, its images in one picture. Pure."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from dashboard.projections import Projection


@dataclass(frozen=True)
class Film:
    """frames: see cl_core/inversion/film.py; images (frames, n, c, h, w) uint8 and labels (n,), class by class;

    projection: of the real features and, as its synthetic ones, of frame after frame of the film and then the targets;
    real_labels: of its real features; names: of all the classes seen; layers, refine: the losses, as in the record.
    """

    frames: Sequence[Mapping[str, Any]]
    images: np.ndarray
    labels: np.ndarray
    projection: Projection
    real_labels: np.ndarray
    names: Sequence[str]
    layers: Sequence[Mapping[str, Any]]
    refine: Mapping[str, Any]
    aims: bool = True  # whether the images were made for those targets, and not for their labels alone

    @property
    def classes(self) -> list[int]:
        return sorted(set(self.labels.tolist()))

    @property
    def columns(self) -> int:
        """Images of a class."""
        return int((self.labels == self.classes[0]).sum())

    def features(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the images (frames, n, 2) and their targets (n, 2) are in the projection."""
        count, n = len(self.frames), len(self.labels)
        points = self.projection.synthetic
        return points[: count * n].reshape(count, n, 2), points[count * n :]


@dataclass(frozen=True)
class Part:
    """A stretch of the strip: the numbers of its frames, its curve, and the iterations at which those frames are."""

    title: str
    frames: tuple[int, ...]
    moments: tuple[int, ...]
    curve: tuple[float, ...]


def covers(group: str, layer: str, order: Sequence[str]) -> bool:
    """Whether a group of layers, "block 1" or "block 1 to block 3", has a layer in it. order: of all the layers."""
    first, _, last = group.partition(" to ")
    if not {first, last or first, layer} <= set(order):
        return False
    return order.index(first) <= order.index(layer) <= order.index(last or first)


def parts(film: Film) -> list[Part]:
    """The start, each group of layers in the order of inversion, and the refinement; as far as there are frames."""
    made = []
    for number, frame in enumerate(film.frames):
        if frame["stage"] == "start":
            made.append(Part("start", (number,), (0,), ()))
        elif frame["stage"] == "layer":
            curve = next(tuple(layer["curve"]) for layer in film.layers if layer["layer"] == frame["layer"])
            made.append(Part(frame["name"], (number,), (frame["iteration"],), curve))
    refining = [number for number, frame in enumerate(film.frames) if frame["stage"] == "refine"]
    if refining:
        moments = tuple(film.frames[number]["iteration"] for number in refining)
        curve = tuple(film.refine["curve"]["total"])
        made.append(Part("all layers at once", tuple(refining), moments, curve))
    return made


def along(part: Part) -> np.ndarray:
    """Where each iteration of a part is on its horizontal axis, 0 … 1: a moment is at the middle of its cell.

    A single moment is the end, and the axis is even; of several, the axis is even between one and the next.
    """
    iterations = np.arange(1, len(part.curve) + 1)
    if len(part.moments) == 1:
        return (iterations - 0.5) / max(1, len(iterations))
    return np.interp(iterations, part.moments, (np.arange(len(part.moments)) + 0.5) / len(part.moments))


def heights(curve: Sequence[float]) -> np.ndarray:
    """Losses on a logarithmic scale of their own: 0 the largest (the top) … 1 the least."""
    values = np.log(np.maximum(np.asarray(curve, float), 1e-12))
    return (values.max() - values) / max(float(np.ptp(values)), 1e-9)


def says(frame: Mapping[str, Any]) -> str:
    """A frame in one sentence."""
    if frame["stage"] == "start":
        return "Before any iteration: what the starts alone make of the target features."
    units = f"{frame['units']:.3g} passes through the whole network so far"
    where = f"After {frame['iteration']} iterations at {frame['name']}"
    if frame["stage"] == "refine":
        where = f"All layers at once, iteration {frame['iteration']} of {frame['of']}"
    return f"{where} · {units} · loss {short(frame['loss'])}"


def short(value: float) -> str:
    """Three digits: 0.0734, 12.3, 4.86·10⁶."""
    if 1e-3 <= abs(value) < 1e5 or value == 0:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    mantissa, power = f"{value:.2e}".split("e")
    return f"{mantissa}·10{str(int(power)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def sprite(film: Film) -> str:
    """All images in one file, as a data URI: frame after frame across, `columns` images of a class in a row."""
    frames, _, c, h, w = film.images.shape
    rows, columns = len(film.classes), film.columns
    grid = film.images.reshape(frames, rows, columns, c, h, w).transpose(1, 4, 0, 2, 5, 3)
    pixels = np.ascontiguousarray(grid.reshape(rows * h, frames * columns * w, c))
    buffer = io.BytesIO()
    if c == 1:
        Image.fromarray(pixels[..., 0]).save(buffer, "PNG", optimize=True)
    else:
        Image.fromarray(pixels).save(buffer, "WEBP", quality=90)
    kind = "png" if c == 1 else "webp"
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode()
