"""The film of an inversion as one piece of HTML: strip of losses and images, sheet of the moment, cloud of features.

It is drawn once; film.js then only says which frame is shown, and film.css how it looks. Pure; everything is escaped.
"""

from collections.abc import Callable, Collection, Sequence
from html import escape
from typing import Any

import numpy as np

from dashboard import stress
from dashboard.charts.reel import Film, Part, along, heights, parts, says, short, sprite
from dashboard.markup import mark
from dashboard.palette import SHAPES, colour, symbol
from dashboard.projections import ellipse

IN_STRIP = 3  # classes with an image in each cell of the strip
WIDTH, HEIGHTS, MARGIN = 720, (340, 560), 18  # of the cloud, in its own units; how high it may be
REAL_POINTS = 1200  # of the cloud, at most
Pixels = Callable[[np.ndarray], np.ndarray]  # from the projection to the cloud's own units, (…, 2) → (…, 2)
TARGET = "M4.5 0a4.5 4.5 0 1 0 -9 0a4.5 4.5 0 1 0 9 0M1 0h-2"  # a ring and a dot, like no class's symbol
FEW = 2  # classes up to which their images are shown large
SEVERAL = 6  # classes up to which the ellipse of two standard deviations is drawn too


def data(film: Film, stressed: frozenset[int], key: str, marked: Collection[str] = ()) -> dict[str, Any]:
    """What the component needs: its HTML, and for each frame its sentence and where its losses and features are.

    stressed: who gets the room that the strip has; key: names the film; while it stays, the frame that is looked at
    stays. marked: groups of layers to point out.
    """
    pixels, height = _pixels(film)
    where, _ = film.features()
    stops = [{"says": says(frame), "part": 0, "x": 100.0, "y": 0.0} for frame in film.frames]
    for i, part in enumerate(parts(film)):
        x, y = along(part), heights(part.curve) if part.curve else np.zeros(0)
        for number, moment in zip(part.frames, part.moments, strict=True):
            at = int(np.argmin(part.curve)) if len(part.moments) == 1 and part.curve else moment - 1
            stops[number] |= {"part": i}
            if part.curve:
                stops[number] |= {"x": _percent(x[at]), "y": _percent(y[at])}
    paths = np.round(pixels(where), 1).transpose(1, 0, 2).tolist()  # (n, frames, 2)
    return {"key": key, "html": _html(film, stressed, pixels, height, marked), "stops": stops, "paths": paths}


def _html(film: Film, stressed: frozenset[int], pixels: Pixels, height: int, marked: Collection[str]) -> str:
    h, w = film.images.shape[-2:]
    style = (
        f"--sprite:url({sprite(film)});--across:{len(film.frames) * film.columns};--columns:{film.columns};"
        f"--rows:{len(film.classes)};--shape:{w}/{h}"
    )
    last = len(film.frames) - 1
    aim = "the ring is the target that it was given" if film.aims else "it was made for its label alone"
    return (
        f'<div class="film" style="{style}">'
        f'<div class="strip" role="group" aria-label="Film strip">{_strip(film, stressed, marked)}</div>'
        f"{_rows_key(film, stressed)}"
        '<p class="reading">Left to right, as inversion goes. Each curve is the loss of that part, on a scale of its '
        "own; below it, the images if inversion stopped there, the layers that are left being filled in by their "
        'starts alone.</p><div class="control"><button type="button" class="play"></button>'
        f'<input type="range" min="0" max="{last}" step="1" value="{last}" aria-label="Moment of the inversion">'
        f'<output class="says"></output></div><div class="now {_size(film)}"><figure>{_sheet(film)}'
        "<figcaption>The images at this moment.</figcaption></figure>"
        f"<figure>{_cloud(film, pixels, height)}{_key(film)}"
        "<figcaption>The same images as the network sees them. Each leaves a trail; "
        f"{aim}. {film.projection.note}</figcaption></figure></div></div>"
    )


def _strip(film: Film, stressed: frozenset[int], marked: Collection[str]) -> str:
    rows = [film.classes.index(c) for c in _in_strip(film, stressed)]
    return "".join(_part(film, part, rows, part.title in marked) for part in parts(film))


def _in_strip(film: Film, stressed: frozenset[int]) -> list[int]:
    """The classes that the strip has room for, those that are stressed first."""
    return sorted(sorted(film.classes, key=lambda c: c not in stressed)[:IN_STRIP])


def _rows_key(film: Film, stressed: frozenset[int]) -> str:
    names = "".join(f"<span>{mark(c)} {escape(film.names[c])}</span>" for c in _in_strip(film, stressed))
    return f'<div class="key">{names}</div>'


def _part(film: Film, part: Part, rows: Sequence[int], marked: bool) -> str:
    cells = ""
    for number, moment in zip(part.frames, part.moments, strict=True):
        images = "".join(f'<i style="--frame:{number};--column:0;--row:{row}"></i>' for row in rows)
        label, after = escape(says(film.frames[number])), "after " if film.frames[number]["stage"] == "layer" else ""
        cells += (
            f'<button type="button" class="cell" data-frame="{number}" aria-label="{label}" title="{label}">{images}'
            f"<small>{after}{moment}</small></button>"
        )
    several = len(part.frames) > 1
    fall = f"loss {short(part.curve[0])} → {short(min(part.curve))}" if part.curve else ""
    if several:
        fall += " · by iteration"
    kind = f"part{'' if part.curve else ' bare'}{' marked' if marked else ''}"
    return (
        f'<section class="{kind}" style="--cells:{len(part.frames)}">'
        f"<header><b>{escape(part.title)}</b><span>{fall}</span></header>"
        f'<div class="curve">{_curve(part) if part.curve else ""}</div><div class="cells">{cells}</div></section>'
    )


def _curve(part: Part) -> str:
    """The loss twice: all of it faint, and as far as the film is, in full; and the moment on it."""
    points = zip(along(part) * 100, heights(part.curve) * 100, strict=True)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    if len(part.curve) == 1:
        line += " " + line
    drawn = f'<svg viewBox="0 0 100 100" preserveAspectRatio="none"><polyline points="{line}"/></svg>'
    return f'<div class="faint">{drawn}</div><div class="so-far">{drawn}</div><u></u>'


def _sheet(film: Film) -> str:
    made = ""
    for row, c in enumerate(film.classes):
        images = "".join(f'<i style="--column:{column};--row:{row}"></i>' for column in range(film.columns))
        name = f"<span>{mark(c)} {escape(film.names[c])}</span>"
        made += f"<div {stress.own(c)}>{name}{images}</div>"
    return f'<div class="sheet">{made}</div>'


def _size(film: Film) -> str:
    return "few" if len(film.classes) <= FEW else "many" if len(film.classes) > SEVERAL else "several"


def _pixels(film: Film) -> tuple[Pixels, int]:
    """The map, both axes alike and all of the film inside, and the cloud's height."""
    where, targets = film.features()
    contours = [points for c in film.classes for points in _contours(film, c).values()]
    own = film.projection.real[np.isin(film.real_labels, film.classes)]
    every = np.concatenate([where.reshape(-1, 2), targets, own, *contours])
    low, high = every.min(0), every.max(0)
    span = np.maximum(high - low, 1e-9)
    height = int(np.clip(2 * MARGIN + (WIDTH - 2 * MARGIN) * span[1] / span[0], *HEIGHTS))
    room = np.array([WIDTH, height])
    scale = np.array([1, -1]) * float(((room - 2 * MARGIN) / span).min())
    offset = room / 2 - scale * (low + high) / 2
    return (lambda points: np.asarray(points, float) * scale + offset), height


def _contours(film: Film, c: int) -> dict[int, np.ndarray]:
    """The Gaussian that is kept of a class at one and, where there are not too many, two standard deviations."""
    mean, covariance = film.projection.mean[c], film.projection.covariance[c]
    every = (1, 2) if len(film.classes) <= SEVERAL else (1,)
    return {sigmas: ellipse(mean, covariance, sigmas, 48) for sigmas in every}


def _cloud(film: Film, pixels: Pixels, height: int) -> str:
    targets = film.features()[1]
    real, own = pixels(film.projection.real), film.classes
    seen = range(len(film.names))
    each = max(10, REAL_POINTS // len(seen))
    shapes, points = "", ""
    for c in seen:
        path = SHAPES[symbol(c)]
        shapes += f'<path id="real{c}" transform="scale(.45) translate(-8 -8)" d="{path}"/>'
        inside = real[film.real_labels == c][:each]
        inside = inside[((inside > 0) & (inside < [WIDTH, height])).all(1)]
        strength = 0.45 if c in own else 0.1
        uses = "".join(f'<use href="#real{c}" x="{x:.0f}" y="{y:.0f}"/>' for x, y in inside)
        points += f'<g fill="{colour(c)}" fill-opacity="{strength:g}" {stress.own(c)}>{uses}</g>'
    ellipses = "".join(_ellipses(film, c, pixels) for c in own)
    trails, marks = "", ""
    for c, target in zip(film.labels.tolist(), pixels(targets), strict=True):
        paint = f'stroke="{colour(c)}" {stress.own(c)}'
        if film.aims:
            marks += (
                f'<path class="target" {paint} d="{TARGET}" transform="translate({target[0]:.1f} {target[1]:.1f})"/>'
            )
        trails += f'<polyline class="trail" {paint} points=""/>'
    movers = "".join(
        f'<g class="mover" {stress.own(c)}><path class="dot" stroke="{colour(c)}" '
        f'd="{SHAPES[symbol(c)]}"><title>{escape(film.names[c])} · synthetic</title></path></g>'
        for c in film.labels.tolist()
    )
    return (
        f'<svg class="cloud" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Features of the images now">'
        f"<defs>{shapes}</defs>{points}{ellipses}{marks}{trails}{movers}</svg>"
    )


def _ellipses(film: Film, c: int, pixels: Pixels) -> str:
    made = ""
    for sigmas, contour in _contours(film, c).items():
        points = " ".join(f"{x:.0f},{y:.0f}" for x, y in pixels(contour))
        made += f'<polygon class="sigma{sigmas}" stroke="{colour(c)}" {stress.own(c)} points="{points}"/>'
    return made


def _key(film: Film) -> str:
    """What the signs of the cloud mean."""
    several = len(film.classes) <= SEVERAL
    signs = [
        ("●", "real"),
        ("○", "synthetic"),
        *[("⊙", "its target")] * film.aims,
        ("━", "1σ"),
        *[("┄", "2σ")] * several,
    ]
    return '<div class="key">' + "".join(f"<span>{sign} {words}</span>" for sign, words in signs) + "</div>"


def _percent(value: float) -> float:
    return round(100 * float(value), 2)
