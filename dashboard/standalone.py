"""HTML files that open without a server and without a network, light or dark as the reader's screen is.

Each figure is there in every ink, for wide and for narrow screens; the one that is wanted is drawn, and a light one for
a printer.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from html import escape

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.utils import PlotlyJSONEncoder

from dashboard.charts.style import CONFIG
from dashboard.palette import INKS, Ink

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1100px; padding: 2rem 1.2rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .2rem; }
p { margin: .2rem 0 .8rem; opacity: .8; } section { break-inside: avoid; }
pre { background: color-mix(in srgb, currentColor 6%, transparent); padding: .8rem 1rem; border-radius: .5rem;
  overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
code { overflow-wrap: anywhere; }
"""
FIGURE = '<div class="figure">'
DRAW = """
const dark = matchMedia("(prefers-color-scheme: dark)"), narrow = matchMedia("(max-width: 600px)");
const draw = theme => document.querySelectorAll(".figure").forEach(figure => {
  const {wide, narrow: slim} = JSON.parse(figure.querySelector("script").textContent)[theme];
  const {data, layout} = narrow.matches ? slim : wide;
  Plotly.newPlot(figure.querySelector("div"), data, layout, %s);
});
const drawn = () => draw(dark.matches ? "dark" : "light");
drawn();
for (const screen of [dark, narrow]) screen.addEventListener("change", drawn);
addEventListener("beforeprint", () => draw("light"));
addEventListener("afterprint", drawn);
"""


def figure(draw: Callable[[Ink], go.Figure]) -> str:
    """A figure in every ink, for the body of a page."""
    inks = {theme: {"wide": ink, "narrow": replace(ink, narrow=True)} for theme, ink in INKS.items()}
    drawn = {
        theme: {width: draw(ink).to_plotly_json() for width, ink in sizes.items()} for theme, sizes in inks.items()
    }
    told = json.dumps(drawn, cls=PlotlyJSONEncoder).replace("<", "\\u003c")  # no word of it ends the script
    return f'{FIGURE}<div></div><script type="application/json">{told}</script></div>'


def section(question: str, reading: str, body: str) -> str:
    """A part of a page: what is asked, how to read the answer, and the answer (HTML)."""
    return f"<section><h2>{escape(question)}</h2><p>{escape(reading)}</p>{body}</section>"


def page(title: str, body: str, style: str = "") -> str:
    """The whole file. body: HTML, with figures or without; style: CSS for it."""
    plotly = f"<script>{get_plotlyjs()}</script><script>{DRAW % json.dumps(CONFIG)}</script>" if FIGURE in body else ""
    light, dark = (f"body {{ color: {ink.text}; background: {ink.ground}; }}" for ink in INKS.values())
    styles = f"{style}{STYLE}{light} @media screen and (prefers-color-scheme: dark) {{ {dark} }}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{styles}</style></head>"
        f"<body>{body}{plotly}</body></html>\n"
    )
