"""Pictures on which names compete: a card each, with bars. Pure HTML; everything is escaped."""

from collections.abc import Sequence
from html import escape

import numpy as np

from cl_core.pretraining.gallery import Gallery
from dashboard import markup, pictures
from dashboard.palette import colour

BARS = 4  # names beside a picture, the likeliest first


def cards(shown: Gallery, names: Sequence[str], probabilities: np.ndarray | None, bars: int = BARS) -> str:
    """A card for each picture. probabilities: (n, names); None: not known yet."""
    images = pictures.to_bytes(shown.images)
    made = ""
    for i, (truth, withheld) in enumerate(zip(shown.truths, shown.withheld, strict=True)):
        source = pictures.data_uri(pictures.sheet([images[i : i + 1]], 1, scale=3))
        rows = "" if probabilities is None else _bars(names, probabilities[i], truth, bars)
        made += (
            f'<figure class="il-rival"><div><img src="{source}" alt="{escape(truth or "your picture")}">'
            f"<figcaption>{_truth(truth, withheld)}</figcaption></div>"
            f'<div class="il-rival-names">{rows}</div></figure>'
        )
    return f'<div class="il-rivals{" il-alone" if len(images) == 1 else ""}">{made}</div>'


def _truth(truth: str, withheld: bool) -> str:
    if not truth:
        return "as small as CLIP sees it"
    return escape(truth) + ("<i>never shown</i>" if withheld else "")


def ranked(names: Sequence[str], probabilities: np.ndarray, truth: str, bars: int) -> list[int]:
    """The names to show: the likeliest first, and the true one also where it is not among them."""
    order = np.argsort(-probabilities, kind="stable").tolist()
    best = order[:bars]
    true = true_name(names, truth)
    return best if true is None or true in best else [*best[:-1], true]


def true_name(names: Sequence[str], truth: str) -> int | None:
    """Which of the names is the true one, if any is."""
    same = [i for i, name in enumerate(names) if truth and name.casefold() == truth.casefold()]
    return same[0] if same else None


def _bars(names: Sequence[str], probabilities: np.ndarray, truth: str, bars: int) -> str:
    true = true_name(names, truth)
    made = ""
    for c in ranked(names, probabilities, truth, bars):
        share = float(probabilities[c])
        said = f"<b>{escape(names[c])}</b>" if c == true else escape(names[c])
        made += (
            f'<div class="il-rival-name"><span>{markup.mark(c)} {said}</span><u>{markup.percent(share)}</u>'
            f"{markup.bar(share, None, 1.0, colour(c))}</div>"
        )
    return made


def score(shown: Gallery, names: Sequence[str], probabilities: np.ndarray) -> tuple[int, int]:
    """(named rightly, of how many whose true name was among the names)."""
    found = [
        (true_name(names, truth), int(best)) for truth, best in zip(shown.truths, probabilities.argmax(1), strict=True)
    ]
    asked = [(true, best) for true, best in found if true is not None]
    return sum(true == best for true, best in asked), len(asked)
