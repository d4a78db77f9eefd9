"""Which classes are stressed, as style: nothing is drawn anew for it, in the browser or here. Pure.

What belongs to class c is as opaque as the variable --c<c> says, 1 where nobody sets it. A page sets those of the
classes that others are stressed beside; they reach into whatever stands below, shadow roots included.
"""

from collections.abc import Collection, Iterable, Sequence

FAINT = 0.25  # opacity of a class beside those that are stressed


def of(*classes: int) -> str:
    """The opacity of what belongs to a class, or to several: that of the strongest."""
    each = [f"var(--c{c},1)" for c in classes]
    return each[0] if len(each) == 1 else f"max({','.join(each)})"


def variables(stressed: Collection[int], classes: Iterable[int]) -> str:
    """The style that sets the variables of all these classes, whatever was set before; empty when none is stressed."""
    if not stressed:
        return ""
    return ":root{" + "".join(f"--c{c}:{1 if c in stressed else FAINT:g};" for c in classes) + "}"


def cards(tasks: Iterable[int]) -> str:
    """The style of the cards of tasks (0 the first) that have a class among those that are stressed."""
    paper = "background:color-mix(in srgb,currentColor 11%,transparent)"
    return "".join(
        f".st-key-card-{task + 1} .il-task{{{paper}}}.st-key-card-{task + 1} .il-bar{{height:10px}}"
        for task in sorted(tasks)
    )


def traces(place: str, owners: Sequence[Sequence[int]]) -> str:
    """The style of a Plotly figure's traces, in a container with this key: whose classes each of them is."""
    rules = ""
    for number, classes in enumerate(owners, 1):
        if classes:
            rules += f".st-key-{place} .scatterlayer>.trace:nth-child({number}){{opacity:{of(*classes)}!important}}"
    return rules


def rows(classes: Sequence[int]) -> str:
    """The mask of a sheet that has a row of equal height for each of these classes."""
    share, stops = 100 / max(1, len(classes)), []
    for i, c in enumerate(classes):
        stops.append(f"rgb(0 0 0/{of(c)}) {i * share:.4g}% {(i + 1) * share:.4g}%")
    if len(stops) < 2:
        return f"opacity:{of(*classes)}" if classes else ""
    return f"mask-image:linear-gradient({','.join(stops)})"
