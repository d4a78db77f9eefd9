"""Which classes are stressed, as style: nothing is drawn anew for it, in the browser or here. Pure.

What belongs to a class says so: an element in its `part`, which is seen through a shadow root; a trace of a Plotly
figure in its uid, which Plotly makes classes of. A page's style makes faint what belongs to none of the stressed
classes. It sets no variable above all of them: the browser would style every element of the page anew.
"""

from collections.abc import Collection, Iterable, Sequence

FAINT = 0.25  # opacity of a class beside those that are stressed
SHADOW = '[data-testid="stBidiComponentIsolated"]'  # where Streamlit has the shadow root of a component


def own(c: int) -> str:
    """The attribute of an element that belongs to class c."""
    return f'part="own-{c}"'


def uid(what: str, *classes: int) -> str:
    """The uid of a figure's trace that belongs to these classes; what: a word that sets it apart from others."""
    return " ".join([what, *(f"own-{c}" for c in classes)])


def style(stressed: Collection[int], classes: Iterable[int]) -> str:
    """The style by which some of all these classes are stressed, whatever was said before; empty when none is.

    What belongs to several classes is as opaque as the strongest of them.
    """
    if not stressed:
        return ""
    opacities = {c: 1 if c in stressed else FAINT for c in sorted(classes, key=lambda c: c in stressed)}
    rules = "".join(
        f'[part="own-{c}"],{SHADOW}::part(own-{c}),.own-{c}{{opacity:{opacity:g}!important}}'
        for c, opacity in opacities.items()
    )
    return f"{rules}.il-rows{{{''.join(f'--c{c}:{opacity:g};' for c, opacity in opacities.items())}}}"


def cards(tasks: Iterable[int]) -> str:
    """The style of the cards of tasks (0 the first) that have a class among those that are stressed."""
    paper = "background:color-mix(in srgb,currentColor 11%,transparent)"
    return "".join(
        f".st-key-card-{task + 1} .il-task{{{paper}}}.st-key-card-{task + 1} .il-bar{{height:10px}}"
        for task in sorted(tasks)
    )


def rows(classes: Sequence[int]) -> str:
    """The attributes of a sheet that has a row of equal height for each of these classes: its mask."""
    share, stops = 100 / max(1, len(classes)), []
    for i, c in enumerate(classes):
        stops.append(f"rgb(0 0 0/var(--c{c},1)) {i * share:.4g}% {(i + 1) * share:.4g}%")
    if len(stops) < 2:
        return own(classes[0]) if classes else ""
    return f'class="il-rows" style="mask-image:linear-gradient({",".join(stops)})"'
