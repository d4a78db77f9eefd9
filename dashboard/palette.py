"""Colours and symbols. A colour means a class everywhere; each class also has a symbol of its own.

The ten colours are chosen from Okabe–Ito's and Tol's sets so that the least distance of any two, with normal sight and
with each of the three colour-vision deficiencies (Machado 2009), is as large as could be found, and so that all of
them can be seen on both backgrounds (tests/dashboard/test_palette.py).
"""

from dataclasses import dataclass
from urllib.parse import quote

CLASS_COLOURS = (
    "#0072B2", "#E69F00", "#117733", "#EE6677", "#7B61FF", "#8F8F00", "#56B4E9", "#CC3311", "#AA3377", "#44AA99",
)  # fmt: skip
SYMBOLS = (
    "circle", "square", "diamond", "triangle-up", "triangle-down", "pentagon", "hexagon", "star", "cross", "x",
)  # fmt: skip
# The same shapes as Plotly's, in a box of 16 × 16, for text.
SHAPES = {
    "circle": "M8 2a6 6 0 1 0 .01 0z",
    "square": "M3 3h10v10h-10z",
    "diamond": "M8 1.5l6.5 6.5l-6.5 6.5l-6.5 -6.5z",
    "triangle-up": "M8 2l6.5 11.5h-13z",
    "triangle-down": "M8 14l6.5 -11.5h-13z",
    "pentagon": "M8 1.6l6.6 4.8l-2.5 7.7h-8.2l-2.5 -7.7z",
    "hexagon": "M8 1.4l5.8 3.3v6.6l-5.8 3.3l-5.8 -3.3v-6.6z",
    "star": "M8 .8l2.1 4.9l5.3 .4l-4 3.5l1.2 5.2l-4.6 -2.8l-4.6 2.8l1.2 -5.2l-4 -3.5l5.3 -.4z",
    "cross": "M5.8 1.5h4.4v4.3h4.3v4.4h-4.3v4.3h-4.4v-4.3h-4.3v-4.4h4.3z",
    "x": "M4.2 1.6l3.8 3.8l3.8 -3.8l2.6 2.6l-3.8 3.8l3.8 3.8l-2.6 2.6l-3.8 -3.8l-3.8 3.8l-2.6 -2.6l3.8 -3.8l-3.8 -3.8z",
}


@dataclass(frozen=True)
class Ink:
    """What is not a class: text, quiet text, lines, the ends of the scale of a heat map, the paper (as

    .streamlit/config.toml has it); and how large type is.
    """

    text: str
    quiet: str
    line: str
    low: str
    high: str
    ground: str
    type: float = 1.0  # times the size for a desk
    narrow: bool = False  # a telephone: no room for words beside the lines


INKS = {
    "light": Ink(text="#1f2430", quiet="#6b7180", line="#e2ded4", low="#f1efe9", high="#2b3547", ground="#fbfaf7"),
    "dark": Ink(text="#e8eaf0", quiet="#9aa3b2", line="#2f3642", low="#1e232c", high="#c9d2e3", ground="#14171d"),
}


def colour(c: int) -> str:
    """The colour of class c; from the eleventh on they repeat, with other symbols."""
    return CLASS_COLOURS[c % len(CLASS_COLOURS)]


def symbol(c: int) -> str:
    """Plotly's name of the symbol of class c; add "-open" for a synthetic image."""
    return SYMBOLS[_symbol_index(c)]


def symbol_image(c: int, hollow: bool = False) -> str:
    """The same symbol in its colour, as a data URI of an SVG."""
    return shape_image(symbol(c), colour(c), hollow)


def shape_image(shape: str, paint: str, hollow: bool = False) -> str:
    """One of SHAPES as a data URI of an SVG."""
    ink = f'fill="none" stroke="{paint}" stroke-width="1.8"' if hollow else f'fill="{paint}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="{SHAPES[shape]}" {ink}/></svg>'
    return "data:image/svg+xml," + quote(svg)


def _symbol_index(c: int) -> int:
    return (c + c // len(CLASS_COLOURS)) % len(SYMBOLS)


def faded(colour_: str, alpha: float) -> str:
    """A "#rrggbb" colour with transparency, as CSS and Plotly write it."""
    red, green, blue = (int(colour_[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def between(low: str, high: str, share: float) -> str:
    """The "#rrggbb" colour that far from low to high, as a colour scale of Plotly mixes them."""
    ends = [[int(end[i : i + 2], 16) for i in (1, 3, 5)] for end in (low, high)]
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(*ends, strict=True))


def contrast(one: str, other: str) -> float:
    """How well two "#rrggbb" colours can be told apart as text and its ground: 1 … 21, as WCAG 2 defines it."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def readable(ground: str) -> str:
    """Black or white, whichever can be read on that colour: the better one's contrast is never below √21 ≈ 4.58."""
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, ground))


def _luminance(colour_: str) -> float:
    shares = [int(colour_[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
