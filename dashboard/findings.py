"""What results say, in a sentence or two that are made from their numbers."""

from dashboard.evidence import Evidence, Spread, entrants, spread
from dashboard.markup import percent


def sentence(evidence: Evidence) -> str:
    """What these results say."""
    return {"compare": _compare, "race": _race, "ablate": _ablate}[evidence.kind](evidence)


def _compare(evidence: Evidence) -> str:
    """The method beside Gaussians alone, under their own heads and under the head that asks for no image."""
    known = entrants(evidence)
    methods = [name for name, entrant in known.items() if entrant.role == "method"]
    control = next((name for name, entrant in known.items() if entrant.role == "control"), None)
    asked = evidence.facts.get("base", {}).get("learn", {}).get("strategy")
    method = asked if asked in methods else next(iter(methods), None)
    over = _over_seeds(evidence)
    if method is None or control is None:
        best = max(known, key=lambda name: _mean(evidence.spread(name, "final_accuracy")))
        found = evidence.spread(best, "final_accuracy")
        missing = "“Gaussians only”" if control is None else "a strategy that replays synthetic images"
        return (
            f"{known[best].title} ends highest, at {found.percent() if found else '–'} {over}; {missing} is not among "
            "them, so nothing can be said of what synthetic images add."
        )
    own, alone = evidence.spread(method, "final_accuracy"), evidence.spread(control, "final_accuracy")
    gap = evidence.difference(method, control, "final_accuracy")
    first = (
        f"{known[method].title} ends at {own.percent() if own else '–'} {over}, and {known[control].title}, which "
        f"makes no image at all, at {alone.percent() if alone else '–'}: {_gap(gap)}."
    )
    read, lda = evidence.difference(method, control, "head_lda"), evidence.spread(method, "head_lda")
    second = (
        f" Read off the Gaussians too (LDA), the former reaches {lda.percent()}: {_gap(read)}." if lda and read else ""
    )
    return first + second


def _gap(difference: Spread | None) -> str:
    """A difference in words, with what may be believed of it."""
    if difference is None:
        return "they have no seed in common"
    way = "more" if difference.mean >= 0 else "fewer"
    amount = f"{abs(100 * difference.mean):.1f}"
    if difference.error is None:
        return f"{amount} points {way}, in a single seed"
    error = f"± {100 * difference.error:.1f}"
    if difference.certain:
        return f"{amount} {error} points {way}"
    return f"no difference that these seeds can show ({difference.points()} points)"


def _over_seeds(evidence: Evidence) -> str:
    split = evidence.facts.get("split", "test")
    seeds = f"{evidence.seeds} seeds" if evidence.seeds > 1 else "one seed"
    return f"of the {split} images ({seeds})"


def _mean(found: Spread | None) -> float:
    return found.mean if found else float("-inf")


def _race(evidence: Evidence) -> str:
    """Who has the lowest objective when time is short and when it is not, and whose images are recognised."""
    budgets = sorted({row["units"] for row in evidence.rows})
    short, longest = budgets[(len(budgets) - 1) // 2], budgets[-1]
    early, late = _standing(evidence, "objective", short), _standing(evidence, "objective", longest)
    if not early or not late:
        return "No racer has an objective yet."
    quick, patient = min(early, key=early.__getitem__), min(late, key=late.__getitem__)
    told = f"After {short:g} units “{quick}” has the lowest objective ({early[quick]:.3g})"
    told += f", and still has after {longest:g}" if patient == quick else f"; after {longest:g} it is “{patient}”"
    told += f" ({late[patient]:.3g})." + _catching_up(evidence, quick, longest, late)
    seen = _standing(evidence, "oracle_accuracy", short)
    if seen:
        best = max(seen, key=seen.__getitem__)
        told += f" A network trained apart then recognises most of the images of “{best}”, {percent(seen[best])}"
        told += f", and {percent(seen[quick])} of those of “{quick}”." if best != quick and quick in seen else "."
    return told


def layer_by_layer(evidence: Evidence) -> str:
    """Where those end that invert layer by layer: the question of a race, answered whatever the answer is."""
    longest = max(row["units"] for row in evidence.rows)
    late = _standing(evidence, "objective", longest)
    order = sorted(late, key=late.__getitem__)
    layered = [name for name in order if (evidence.of(name)[0].get("layers") or 1) > 1]
    if len(order) < 2:
        return ""
    if not layered:
        return "None of these inverts layer by layer: let one race that does."
    best, place = layered[0], order.index(layered[0])
    if len(layered) == len(order):
        return "All of these invert layer by layer: let one race that takes the whole network at once."
    if place == 0:
        rival = next(name for name in order if name not in layered)
        return (
            f"Layer by layer wins here: after {longest:g} units “{best}” is at {late[best]:.3g}, and the best that "
            f"takes the whole network at once, “{rival}”, at {late[rival]:.3g}."
        )
    return (
        f"Layer by layer does not win here: after {longest:g} units “{order[0]}” is at {late[order[0]]:.3g}, and the "
        f"best that goes layer by layer, “{best}”, at {late[best]:.3g}."
    )


def _standing(evidence: Evidence, key: str, units: float) -> dict[str, float]:
    """The mean of a measure after so many units, of the racers that have it."""
    found = {name: spread(row[key] for row in evidence.of(name) if row["units"] == units) for name in evidence.names}
    return {name: of.mean for name, of in found.items() if of is not None}


def _catching_up(evidence: Evidence, quick: str, longest: float, late: dict[str, float]) -> str:
    """After how many units the quick one is where each of the others is in the end."""
    budgets = sorted({row["units"] for row in evidence.of(quick)})
    way = {units: _standing(evidence, "objective", units).get(quick) for units in budgets if units < longest}
    parts = []
    for name, goal in late.items():
        reached = next((units for units, value in way.items() if value is not None and value <= goal), None)
        if name != quick and reached is not None:
            parts.append(f"“{name}” after {reached:g}")
    if not parts:
        return ""
    return f" What others have after {longest:g} units, it has sooner: that of {', of '.join(parts)}."


def _ablate(evidence: Evidence) -> str:
    """How many changes matter, and the largest either way."""
    found = evidence.effects("final_accuracy")
    if not found:
        return "There is no run of the method as it is with the same seed yet, so nothing can be compared."
    if all(of.error is None for of in found.values()):
        low, high = list(found)[-1], next(iter(found))
        return (
            f"In a single seed, “{high}” makes the most of the final accuracy ({found[high].points()} points) and "
            f"“{low}” the least ({found[low].points()}); one seed cannot tell which of it is chance."
        )
    sure = {name: of for name, of in found.items() if of.certain}
    told = f"{len(sure)} of {len(found)} changes move the final accuracy by more than two standard errors"
    worse = [name for name, of in sure.items() if of.mean < 0]
    better = [name for name, of in sure.items() if of.mean > 0]
    parts = []
    if worse:
        parts.append(f"the worst is “{worse[-1]}” ({found[worse[-1]].points()} points)")
    if better:
        parts.append(f"the best is “{better[0]}” ({found[better[0]].points()})")
    rest = len(found) - len(sure)
    tail = f" The other {rest} cannot be told from chance with {evidence.seeds} seeds." if rest else ""
    return told + (": " + ", ".join(parts) if parts else "") + "." + tail
