"""Both snapshots' synthetic images as one network sees them: two charts with the same axes."""

import streamlit as st

from cl_core import comparison
from cl_core.comparison import Comparison
from cl_core.snapshot import Snapshot
from dashboard import library, markup, pairs, state, work
from dashboard.charts import ab as charts
from dashboard.job import REGISTRY
from dashboard.library import Tree
from dashboard.pairs import Pair
from dashboard.views import ab_panels
from dashboard.views.plot import plot
from dashboard.views.polling import polled
from dashboard.views.scene import Scene, framed

POLL = 0.5
MISSING = (
    "The example is kept without its networks, and these two have different ones, so there is none that could look at "
    "both. Run an experiment of your own and pin two of its moments, or pin two moments of the example between which "
    "nothing was learned."
)
LENDERS = {"ancestor": "common ancestor", "a": "A", "b": "B"}
READING = (
    "Features of two networks live in different spaces: here one network looks at the images of both. Filled: real "
    "test images, the same in both charts; hollow: synthetic. Ellipses hold 39\u202f% of a class (1σ): dotted real, "
    "solid synthetic."
)


def panel(pair: Pair, moment: int, scene: Scene) -> None:
    """A fragment of its own, which polls as long as the comparison is being computed."""
    with framed("ab-features", "Do both dream where reality is?", READING, stretch=False):
        try:
            comparison.shared_classes(pair.a.at(moment), pair.b.at(moment))
        except ValueError as error:
            st.markdown(str(error))
            return
        if not any(len(library.look(side.tree.store, side.at(moment).id).synthetic[1]) for side in (pair.a, pair.b)):
            st.markdown("Neither of them has synthetic images at this moment, so there is nothing to set beside.")
            return
        stored = _stored(pair, moment)
        if stored is not None:
            _charts(stored, pair, moment, scene, "both")
            return
        lenders = _lenders(pair, moment)
        if not lenders:
            st.markdown(MISSING)
            return
        whose = _choice(lenders)
        made = comparison.read(library.own_store().files, _name(pair, moment, lenders[whose][0]))
        if made is not None:
            _charts(made, pair, moment, scene, _words(whose, lenders[whose][0]))
        else:
            _waiting(pair, moment, whose)


def _lenders(pair: Pair, moment: int) -> dict[str, tuple[Snapshot, Tree]]:
    """Whose network may look at both: the step that it was learned in, and its tree. The default is first.

    A network that is not kept (the example is kept without) is none of them.
    """
    paths = {name: side.tree.path(side.at(moment).id) for name, side in (("a", pair.a), ("b", pair.b))}
    shared = pairs.common(paths["a"], paths["b"])
    found: dict[str, tuple[Snapshot, Tree]] = {}
    if shared is not None:
        network = pairs.network_of(pair.a.tree.path(shared.id))
        if network is not None:
            found["ancestor"] = (network, pair.a.tree)
    for name, side in (("a", pair.a), ("b", pair.b)):
        network = pairs.network_of(paths[name])
        if network is not None and network.id not in {step.id for step, _ in found.values()}:
            found[name] = (network, side.tree)
    return {name: (step, tree) for name, (step, tree) in found.items() if library.has_network(tree.store, step.id)}


def _choice(lenders: dict[str, tuple[Snapshot, Tree]]) -> str:
    asked = state.lender()
    if asked is not None and asked not in LENDERS:
        state.tell(f"The address asked for the network of “{asked}”; allowed are {', '.join(LENDERS)}.")
        state.borrow(None)
    whose = asked if asked in lenders else next(iter(lenders))
    st.segmented_control(
        "Seen with the network of",
        list(lenders),
        key=state.widget("network", whose),
        format_func=lambda name: _words(name, lenders[name][0]),
        required=True,
        on_change=state.heard(lambda: state.borrow(state.widget_value("network"))),
        help="A network sees its own synthetic images in a good light; the common ancestor favours neither.",
    )
    if "ancestor" not in lenders:
        st.caption("No common ancestor that has learned anything is kept, so one of the two lends its network.")
    return whose


def _words(whose: str, lender: Snapshot) -> str:
    return f"{LENDERS[whose]} ({ab_panels.step_words(lender)})"


def _name(pair: Pair, moment: int, lender: Snapshot) -> str:
    return comparison.name_of(pair.a.at(moment).id, pair.b.at(moment).id, lender.id)


def _stored(pair: Pair, moment: int) -> Comparison | None:
    """From the features that were stored with the steps, where both have one network: inversion leaves it as it is."""
    sides = [(side.tree, side.at(moment)) for side in (pair.a, pair.b)]
    networks = {step.id for tree, node in sides if (step := pairs.network_of(tree.path(node.id)))}
    if len(networks) != 1 or not all(node.tasks_learned for _, node in sides):
        return None
    a, b = (library.look(tree.store, node.id) for tree, node in sides)
    return comparison.of_views(a, b, networks.pop())


def _waiting(pair: Pair, moment: int, whose: str) -> None:
    """Have it computed, this moment first and then the others, so that the slider answers at once."""
    asked, files = [], library.own_store().files
    for tasks in [moment, *(t for t in range(1, pair.moments + 1) if t != moment)]:
        a, b = pair.a.at(tasks), pair.b.at(tasks)
        lenders = _lenders(pair, tasks)
        lender, tree = lenders.get(whose) or next(iter(lenders.values()), (None, None))
        if lender is None or tree is None or a.id == b.id:
            continue
        if tasks == moment or files.made(_name(pair, tasks, lender)) is None:
            asked.append(((pair.a.tree.store, a.id), (pair.b.tree.store, b.id), (tree.store, lender.id)))
    name = f"ab-{asked[0][0][1]}-{asked[0][1][1]}-{asked[0][2][1]}"
    job = REGISTRY.get(name)
    if job is None or job.state in ("cancelled", "done"):  # its page was closed, or what it kept was deleted
        REGISTRY.submit("A/B", lambda: work.compare(asked, files), name)
    polled(_poll, POLL, name, comparison.name_of(*(place[1] for place in asked[0])))


def _poll(name: str, made: str) -> None:
    job = REGISTRY.get(name)
    if library.own_store().files.made(made) is not None:
        st.rerun()
    elif job is None or job.state == "cancelled":
        st.markdown("It was stopped before it was done; it begins again when the page is drawn.")
    elif job.state == "failed":
        st.error(job.message, icon=":material/error:")
    else:
        words = "Waiting for the run that computes" if REGISTRY.ahead(job) else "One network is looking at both"
        st.progress(0.3 if job.step.number == 0 else 0.7, text=words)


def _charts(made: Comparison, pair: Pair, moment: int, scene: Scene, whose: str) -> None:
    names = pair.a.pinned.class_names
    for side, place, key in zip((pair.a, pair.b), st.columns(2), ("a", "b"), strict=True):
        letter = key.upper()
        with place:
            st.markdown(f"**{letter}** · {ab_panels.step_words(side.at(moment))}")
            figure = charts.space(made, letter, names, scene.ink, scene.stressed)
            plot(figure, key=f"ab-space-{key}", alt=f"Features of {letter}")
            st.html(markup.facts(_facts(made, key)))
    st.html(markup.key([("●", "real"), ("○", "synthetic"), ("━", "1σ of the synthetic"), ("┄", "1σ of the real")]))
    st.caption(
        f"All features are those of the network of {whose}; the axes are the principal ones of the real features."
    )


def _facts(made: Comparison, key: str) -> list[tuple[str, str]]:
    """How far its synthetic features are from the real ones, mean of the classes, in this one space."""
    rows = made.alignment[key]
    ratios = [row["frechet"] / row["floor"] for row in rows if row.get("floor")]
    cosines = [row["cosine"] for row in rows if row.get("cosine") is not None]
    if not rows:
        return [("it has no synthetic images", "–")]
    facts = [("classes with images", str(len(rows)))]
    if ratios:
        facts.insert(0, ("Fréchet distance, times the floor", f"{sum(ratios) / len(ratios):.1f}"))
    if cosines:
        facts.insert(1, ("cosine of the means", f"{sum(cosines) / len(cosines):.2f}"))
    return facts
