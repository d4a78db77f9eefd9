"""Small pieces of HTML: task cards, keys of symbols, sheets with row labels, tables. Pure; everything is escaped."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from dashboard import glossary, stress
from dashboard.palette import colour, symbol_image


@dataclass(frozen=True)
class TaskCard:
    """What a card of the stream shows. history: accuracy on this task at each moment since it was learned, 0 … 1."""

    number: int
    classes: tuple[int, ...]
    names: tuple[str, ...]
    thumbnails: tuple[str, ...]  # data URIs, one a class; "" where there is none
    history: tuple[float, ...]
    status: str  # "learned", "now" (the newest learned), "next" or "later"
    domain: str = ""  # what the task brings, where all tasks have the same classes


def task_card(card: TaskCard) -> str:
    """A task of the stream."""
    bar = "".join(f'<i style="background:{colour(c)}"></i>' for c in card.classes)
    rows = zip(card.classes, card.names, card.thumbnails, strict=True)
    classes = "".join(_class_row(c, name, thumbnail) for c, name, thumbnail in rows)
    words = {"learned": "learned", "now": "newest", "next": "next", "later": "later"}[card.status]
    title = f"Task {card.number}" + (f" · {card.domain}" if card.domain else "")
    foot = '<span class="il-dim">not learned yet</span>'
    if card.history:
        foot = f"<strong>{percent(card.history[-1])}</strong>{_spark(card.history, colour(card.classes[0]))}"
    return (
        f'<div class="il-task il-{card.status}"><div class="il-bar">{bar}</div>'
        f'<div class="il-head"><b>{escape(title)}</b><span class="il-status">{words}</span></div>'
        f'<div class="il-classes">{classes}</div><div class="il-foot">{foot}</div></div>'
    )


def _class_row(c: int, name: str, thumbnail: str) -> str:
    image = f'<img src="{thumbnail}" alt="real images of {escape(name)}">' if thumbnail else ""
    return f'<div class="il-class">{image}<span>{mark(c)} {escape(name)}</span></div>'


def _spark(values: Sequence[float], paint: str) -> str:
    """A small line from the first value to the last."""
    if len(values) < 2:
        return ""
    points = [(4 + 56 * i / (len(values) - 1), 21 - 18 * value) for i, value in enumerate(values)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 24"><polyline points="{path}" fill="none" '
        f'stroke="{paint}" stroke-width="2.2" stroke-linejoin="round"/>'
        f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="3" fill="{paint}"/></svg>'
    )
    return (
        f'<img class="il-spark" src="data:image/svg+xml,{quote(svg)}" alt="from {values[0]:.0%} to {values[-1]:.0%}">'
    )


def tree_head(headings: Sequence[tuple[int, int]]) -> str:
    """The tasks above their columns in the tree of steps. headings: (task, column)."""
    cells = "".join(f'<span style="--il-at:{at}">Task {task}</span>' for task, at in headings)
    return f'<div class="il-tree-head" aria-hidden="true">{cells}</div>'


def branch_label(name: str, differs: str, first: bool) -> str:
    """What a branch is called and what sets it apart; first: the line that begins with the root."""
    parts = [f"<b>{escape(name)}</b>"] if name else []
    if not first:
        parts.append(f"<span>{escape(differs) or 'again'}</span>")
    return f'<div class="il-branch">{" · ".join(parts)}</div>'


def experiment(name: str, facts: str, note: str) -> str:
    """An experiment in a list of them."""
    more = f'<div class="il-note">{escape(note)}</div>' if note else ""
    return f'<div class="il-experiment"><b>{escape(name)}</b><span>{escape(facts)}</span>{more}</div>'


def note(text: str, title: str = "") -> str:
    """Words set apart, as they were written."""
    head = f"<b>{escape(title)}.</b> " if title else ""
    return f'<div class="il-note">{head}{escape(text)}</div>'


def terms(text: str) -> str:
    """A text in which the terms of the field are told where one points, or where the focus is."""
    pieces = [escape(piece) if term is None else _term(piece, term) for piece, term in glossary.parts(text)]
    return f'<span class="il-terms">{"".join(pieces)}</span>'


def _term(words: str, term: glossary.Term) -> str:
    said, says = escape(words), escape(term.says)
    return f'<abbr class="il-term" tabindex="0" data-says="{says}" aria-label="{said}: {says}">{said}</abbr>'


def mark(c: int) -> str:
    """A class's symbol in its colour."""
    return f'<img class="il-mark" src="{symbol_image(c)}" alt="">'


# How Plotly's dashes look in a sample of a line.
PATTERNS = {"dot": "2 3", "dash": "7 4", "longdashdot": "9 3 2 3", "longdash": "11 4", "dashdot": "6 3 2 3"}


def line(paint: str, dash: str, width: float | None = None) -> str:
    """A sample of a line, "solid" or dashed as Plotly calls it; without a width, a solid one is bold."""
    pattern = PATTERNS.get(dash, "")
    width = width or (2 if pattern else 4)
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 8">'
        f'<path d="M0 4h30" stroke="{paint}" stroke-width="{width:g}" stroke-dasharray="{pattern}"/></svg>'
    )
    return f'<img class="il-line" src="data:image/svg+xml,{quote(svg)}" alt="">'


def number(value: float) -> str:
    """A distance in about three digits, the same number of decimals for all of one size."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def percent(value: float) -> str:
    """0.817 → 82 %, with a narrow space."""
    return f"{value * 100:.0f}\u202f%"


def sheet_pair(names: Sequence[str], classes: Sequence[int], real: str, synthetic: str, decoded: bool = False) -> str:
    """Two sheets side by side, one row a class, with the classes' names at the left of each.

    decoded: the synthetic images are decoded from hidden inputs, for looking at.
    """
    labels = "".join(
        f"<span {stress.own(c)}>{mark(c)} {escape(name)}</span>" for c, name in zip(classes, names, strict=True)
    )
    made, mask = "", stress.rows(classes)
    origin = (
        "decoded from hidden inputs, for looking at" if decoded else "made from the network and its statistics alone"
    )
    for title, note, source in (
        ("Real", "test images, shown for the truth; never seen by the method once their task is over", real),
        ("Synthetic", origin, synthetic),
    ):
        made += (
            f'<figure class="il-sheet"><figcaption><b>{title}</b> · {note}</figcaption>'
            f'<div class="il-sheet-body"><div class="il-sheet-labels">{labels}</div>'
            f'<img {mask} src="{source}" alt="{title} images, one row a class"></div></figure>'
        )
    return f'<div class="il-sheets">{made}</div>'


def sheet(names: Sequence[str], classes: Sequence[int], source: str, alt: str) -> str:
    """One sheet, one row a class, with the classes' names at its left."""
    labels = "".join(f"<span>{mark(c)} {escape(name)}</span>" for c, name in zip(classes, names, strict=True))
    return (
        f'<figure class="il-sheet"><div class="il-sheet-body"><div class="il-sheet-labels">{labels}</div>'
        f'<img src="{source}" alt="{escape(alt)}"></div></figure>'
    )


def beside(rows: Sequence[tuple[str, str]], top: Sequence[tuple[str, str]], source: str, alt: str) -> str:
    """One sheet with what each row and each column is. rows, top: (a sign as HTML, words)."""
    labels = "".join(f"<span>{sign} {escape(words)}</span>" for sign, words in rows)
    heads = "".join(f'<span title="{escape(words)}">{sign}</span>' for sign, words in top)
    return (
        f'<figure class="il-sheet il-beside"><div class="il-sheet-body"><i></i><div class="il-columns">{heads}</div>'
        f'<div class="il-sheet-labels">{labels}</div><img src="{source}" alt="{escape(alt)}"></div></figure>'
    )


def prose(text: str) -> str:
    """A paragraph in which the terms of the field are told."""
    return f'<p class="il-prose">{terms(text)}</p>'


def reading(text: str) -> str:
    """The line on how to read a figure, with the terms of the field told."""
    return f'<p class="il-reading">{terms(text)}</p>'


def ask(text: str) -> str:
    """A question in large letters."""
    return f'<p class="il-ask">{terms(text)}</p>'


def verdict(head: str, text: str) -> str:
    """What came out, set apart."""
    return f'<div class="il-verdict"><b>{escape(head)}</b><p>{terms(text)}</p></div>'


def definitions(entries: Iterable[tuple[str, str]]) -> str:
    """A list of terms and what they mean."""
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(says)}</dd></div>" for name, says in entries)
    return f'<dl class="il-glossary">{rows}</dl>'


def picture(source: str, alt: str) -> str:
    """One sheet, as wide as it may be."""
    return f'<img class="il-picture" src="{source}" alt="{escape(alt)}">'


def key(items: Iterable[tuple[str, str]]) -> str:
    """A line of symbols and what they mean. items: (symbol as HTML, words)."""
    return '<div class="il-key">' + "".join(f"<span>{sign} {escape(words)}</span>" for sign, words in items) + "</div>"


def task_key(names: Sequence[str], first_classes: Sequence[int], tail: Iterable[tuple[str, str]] = ()) -> str:
    """Which colour and symbol is which task (as many as are named), then what else there is to tell."""
    return key([*((mark(c), name) for name, c in zip(names, first_classes, strict=False)), *tail])


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[int] = (),
    owners: Sequence[int] | None = None,
    marked: Container[int] = (),
) -> str:
    """A plain table. Cells are HTML already; `numbers`: columns to set right; owners: the class of each row, by

    which it is stressed; marked: rows to point out.
    """
    sides = ["il-number" if i in numbers else "" for i in range(len(head))]
    top = "".join(f'<th class="{side}">{cell}</th>' for cell, side in zip(head, sides, strict=True))
    body = ""
    for i, row in enumerate(rows):
        cells = "".join(f'<td class="{side}">{cell}</td>' for cell, side in zip(row, sides, strict=True))
        this = ' class="il-this"' if i in marked else ""
        owned = "" if owners is None else f" {stress.own(owners[i])}"
        body += f"<tr{this}{owned}>{cells}</tr>"
    inner = f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="il-scroll"><table class="il-table">{inner}</table></div>'


def bar(value: float, floor: float | None, largest: float, paint: str) -> str:
    """A horizontal bar of 0 … largest, with a tick where the floor is."""
    width = 100 * min(1.0, value / largest) if largest > 0 else 0
    tick = f'<u style="left:{100 * min(1.0, floor / largest):.1f}%"></u>' if floor is not None and largest > 0 else ""
    return f'<div class="il-meter"><i style="width:{width:.1f}%;background:{paint}"></i>{tick}</div>'


def size(count: float) -> str:
    """Bytes as a person would say them."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f}\u202f{unit}" if unit == "bytes" or count >= 99.5 else f"{count:.1f}\u202f{unit}"
        count /= 1000
    return ""


def chain(layers: Sequence[str], current: int | None) -> str:
    """The network as a chain from the image to the feature; `current` is the layer being inverted, None: all of it."""
    parts = ["image", *layers, "feature"]
    made = []
    for i, name in enumerate(parts):
        on = 0 < i < len(parts) - 1 and (current is None or i - 1 == current)
        made.append(f'<span class="{"il-on" if on else ""}">{escape(name)}</span>')
    return f'<div class="il-chain">{"<i>←</i>".join(made)}</div>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """A few numbers, large, each with what it is."""
    return (
        '<div class="il-facts">'
        + "".join(f"<div><b>{v}</b><span>{escape(k)}</span></div>" for k, v in pairs)
        + "</div>"
    )
