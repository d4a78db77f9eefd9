"""How classes move from task to task, as small multiples of one plane: HTML that wraps. Pure; all is escaped."""

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

import numpy as np

from dashboard import stress
from dashboard.drift import Step
from dashboard.palette import SHAPES, Ink, colour, symbol
from dashboard.projections import ellipse

WIDTH, HEIGHTS, MARGIN = 300, (210, 330), 12  # of a panel, in its own units; how high it may be
SHORTEST = 16.0  # a movement that is less is not drawn as an arrow
HEAD = 7.0
SYMBOL = 4.5  # radius of a filled one


class Plane:
    """The plane that all panels share: both axes alike, everything inside."""

    def __init__(self, steps: Sequence[Step]) -> None:
        drawn = [contour for step in steps for contour in _contours(step)]
        every = np.concatenate(drawn)
        low, high = every.min(0), every.max(0)
        span = np.maximum(high - low, 1e-9)
        self.height = int(np.clip(2 * MARGIN + (WIDTH - 2 * MARGIN) * span[1] / span[0], *HEIGHTS))
        room = np.array([WIDTH, self.height])
        self.scale = np.array([1, -1]) * float(((room - 2 * MARGIN) / span).min())
        self.offset = room / 2 - self.scale * (low + high) / 2

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """From the projection to a panel's own units, (…, 2) → (…, 2)."""
        return points * self.scale + self.offset


def _contours(step: Step) -> list[np.ndarray]:
    """The 1σ ellipses of the real and of the kept Gaussians."""
    pairs = [*zip(step.real_mean, step.real_covariance, strict=True)]
    pairs += zip(step.kept_mean, step.kept_covariance, strict=True)
    return [ellipse(mean, covariance, 1, 40) for mean, covariance in pairs]


def panels(steps: Sequence[Step], names: Sequence[str], ink: Ink) -> str:
    """One panel a step, all in the same plane, of a picture a class laid over each other. names: of the classes.

    A shaded ellipse is 1σ of a class's real features and a filled symbol their mean; an outline and a hollow symbol
    are what is stored of it. An arrow leads from the real mean of the step before, a straight line from the real mean
    to the stored one.
    """
    plane, made = Plane(steps), ""
    before: Step | None = None
    for step in steps:
        layers = ""
        for row, c in enumerate(step.classes):
            says = "" if row else escape(_says(step, names))
            source = quote(_layer(step, row, before, plane, ink))
            layers += f'<img {stress.own(c)} src="data:image/svg+xml,{source}" alt="{says}">'
        made += (
            f"<figure><figcaption><b>After task {step.tasks}</b><span>{_off(step)}</span></figcaption>"
            f"<div>{layers}</div></figure>"
        )
        before = step
    return f'<div class="il-drift">{made}</div>'


def _layer(step: Step, row: int, before: Step | None, plane: Plane, ink: Ink) -> str:
    """The picture of one class."""
    c = step.classes[row]
    paint, real, kept = colour(c), plane(step.real_mean[row]), plane(step.kept_mean[row])
    shade = _polygon(plane(ellipse(step.real_mean[row], step.real_covariance[row], 1, 40)))
    outline = _polygon(plane(ellipse(step.kept_mean[row], step.kept_covariance[row], 1, 40)))
    arrow = ""
    if before is not None and c in before.classes:
        arrow = _arrow(plane(before.real_mean[before.classes.index(c)]), real, paint)
    filled = _symbol(c, real, 0.62, f'fill="{paint}"')
    hollow = _symbol(c, kept, 0.9, f'fill="none" stroke="{paint}" stroke-width="2.2"')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {plane.height}" width="{WIDTH}" '
        f'height="{plane.height}"><polygon points="{shade}" fill="{paint}" opacity=".2"/>'
        f'<polygon points="{outline}" fill="none" stroke="{paint}" stroke-width="1.8"/>{arrow}{filled}'
        f'<path d="M{_pair(real)}L{_pair(kept)}" stroke="{ink.text}" stroke-width="2.4"/>{hollow}</svg>'
    )


def _symbol(c: int, at: np.ndarray, size: float, ink: str) -> str:
    where = f"translate({_pair(at, ' ')}) scale({size:g}) translate(-8 -8)"
    return f'<path d="{SHAPES[symbol(c)]}" transform="{where}" {ink}/>'


def _arrow(start: np.ndarray, end: np.ndarray, paint: str) -> str:
    """From where the mean was to where it is; nothing where that is hardly a step."""
    way = end - start
    length = float(np.linalg.norm(way))
    if length < SHORTEST:
        return ""
    along = way / length
    across = np.array([-along[1], along[0]])
    tip = end - SYMBOL * along
    wings = [tip - HEAD * along + 0.5 * HEAD * side * across for side in (1, -1)]
    return (
        f'<path d="M{_pair(start)}L{_pair(tip - 0.6 * HEAD * along)}" stroke="{paint}" stroke-width="1.6" '
        f'stroke-dasharray="3 2.5"/><polygon points="{_polygon(np.stack([tip, *wings]))}" fill="{paint}"/>'
    )


def _off(step: Step) -> str:
    """How far off the stored means are, in a line."""
    old, new = step.mean_off(newest=False), step.mean_off(newest=True)
    told = [("old", old), ("new", new)]
    return " · ".join(f"{words} <b>{value:.2f}</b>\u202fσ" for words, value in told if value is not None)


def _says(step: Step, names: Sequence[str]) -> str:
    """The same in words."""
    each = [f"{names[c]} {value:.2f}" for c, value in zip(step.classes, step.off, strict=True)]
    return f"After task {step.tasks}, stored means are off by: {', '.join(each)}"


def _polygon(points: np.ndarray) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _pair(point: np.ndarray, between: str = ",") -> str:
    return f"{point[0]:.1f}{between}{point[1]:.1f}"
