"""The page A/B: any two snapshots beside each other, with the same axes, the same colours and one step slider."""

import contextlib
from collections import Counter
from pathlib import Path

import streamlit as st

from cl_core import strategies
from cl_core.snapshot import Snapshot
from cl_core.store import StoreError
from dashboard import branches, forms, library, pairs, state
from dashboard.job import FOR_PEOPLE
from dashboard.library import Tree
from dashboard.pairs import Pair, Side
from dashboard.views import ab_features, ab_panels, elsewhere, experiments, tasks
from dashboard.views.scene import SPLITS, Scene, ink

STYLE = Path(__file__).parent.parent / "style.css"
NOTHING = (
    "There is nothing to compare yet: start an experiment on the Explore page, and pin two of its moments as A and B "
    "beside the tree."
)


def page(explore: st.Page) -> None:
    """Draw the page. explore: where one goes on from A with B's settings."""
    st.html(STYLE)
    st.title("A/B", anchor=False)
    st.html(
        '<p class="il-lede">Two moments beside each other, on the same axes and in the same colours: what differs, '
        "what it changed, and whether that is more than chance.</p>"
    )
    elsewhere.line()
    notices = st.container()
    try:
        trees = _trees()
        pair = _pair(trees)
        if pair is None:
            st.info(NOTHING, icon=":material/push_pin:")
        else:
            _choices(pair, trees)
            _compared(pair, explore)
    except FOR_PEOPLE as error:  # something on disk is damaged: the sentence says what
        st.error(str(error), icon=":material/error:")
    for sentence in state.notices():
        notices.warning(sentence, icon=":material/info:")


def _trees() -> list[Tree]:
    """The person's own experiments, newest first, and the example."""
    found = [library.find(root.id) for root in library.experiments()]
    with contextlib.suppress(StoreError):  # the Explore page tells it
        found.append(library.find(library.example().main))
    return found


def _pair(trees: list[Tree]) -> Pair | None:
    """What is pinned; what is not, or cannot be found, is chosen: the end of a branch beside the other."""
    a, b = _side("a"), _side("b")
    if a is None and b is None:
        if not trees:
            return None
        first = _with_two_ends(trees)
        a = Side(first, first.nodes[_ends(first)[0].id])
    known = a or b
    assert known is not None
    other = Side(known.tree, _opposite(known))
    return Pair(a or other, b or other)


def _side(side: str) -> Side | None:
    node_id = state.pinned(side)
    if node_id is None:
        return None
    try:
        tree = library.find(node_id)
    except StoreError as error:
        state.tell(str(error))
        state.pin(side, None)
        return None
    return Side(tree, tree.nodes[node_id])


def _with_two_ends(trees: list[Tree]) -> Tree:
    """The first tree with two branches; without one, the last: the example if it is there."""
    return next((tree for tree in trees if len(_ends(tree)) > 1), trees[-1])


def _ends(tree: Tree) -> list[Snapshot]:
    """The ends of a tree's branches; those of the example as it is told, its main one first."""
    leaves = [leaf for leaf in tree.leaves() if leaf.tasks_learned] or tree.leaves()
    main = library.example().main if tree.is_example else tree.farthest(leaves[0].parent or leaves[0].id).id
    return sorted(leaves, key=lambda leaf: leaf.id != main)


def _opposite(side: Side) -> Snapshot:
    """What to set beside a snapshot: the end of another branch, or else the step before."""
    here = {step.id for step in side.path}
    others = [leaf for leaf in _ends(side.tree) if leaf.id not in here]
    if others:
        return max(others, key=lambda leaf: leaf.tasks_learned == side.pinned.tasks_learned)
    return side.tree.nodes[side.pinned.parent] if side.pinned.parent else side.pinned


# Above: which two, and after how many tasks.


def _choices(pair: Pair, trees: list[Tree]) -> None:
    called = _names(pair, trees)
    left, right = st.columns(2, gap="medium")
    for side, place, letter in ((pair.a, left, "a"), (pair.b, right, "b")):
        place.selectbox(
            f"**{letter.upper()}**",
            list(called),
            key=state.widget(f"pin-{letter}", side.pinned.id),
            format_func=lambda node_id: called.get(node_id, node_id),
            on_change=state.heard(lambda letter=letter: state.pin(letter, state.widget_value(f"pin-{letter}"))),
            help="The ends of all branches; any other step is pinned beside the tree on the Explore page.",
        )


def _names(pair: Pair, trees: list[Tree]) -> dict[str, str]:
    """What the two, and all the ends of branches, are called."""
    titles = experiments.names([library.glance(tree.store, _root(tree).id) for tree in trees if not tree.is_example])
    called: dict[str, str] = {}
    for tree in [*trees, pair.a.tree, pair.b.tree]:
        title = titles.get(_root(tree).id, "Example")
        drawn = branches.branches(tree)
        pins = [side.pinned for side in (pair.a, pair.b) if side.pinned.id in tree.nodes]
        for node in (*_ends(tree), *pins):
            called.setdefault(node.id, f"{_words(node, branches.of(drawn, node.id))} · {title}")
    twice, seen = Counter(called.values()), Counter[str]()
    for node_id, text in called.items():
        seen[text] += 1
        if twice[text] > 1:
            called[node_id] = f"{text} · {seen[text]} of {twice[text]}"
    return called


def _root(tree: Tree) -> Snapshot:
    return next(iter(tree.nodes.values()))


def _words(node: Snapshot, branch: branches.Branch) -> str:
    if node.verb == "start":
        return "Start"
    told = [row for row in branch.differs if row[1] != "strategy"][:1]
    strategy = strategies.get(node.record["strategy"]).title
    words = [strategy, *(f"{forms.spec(s, f).metadata['label'].lower()} {forms.in_words(v)}" for s, f, v in told)]
    return " · ".join([*words, ab_panels.step_words(node)])


def _moment(pair: Pair) -> int:
    """After how many tasks one looks: what the address says, or else as pinned."""
    asked, last = state.moment(), pair.moments
    if asked is None:
        return last
    if asked.isdecimal() and 1 <= int(asked) <= last:
        return int(asked)
    state.tell(f"The address asked for the moment after “{asked}” tasks; A and B know 1 to {last}.")
    state.look_after(None)
    return last


def _compared(pair: Pair, explore: st.Page) -> None:
    moment = _moment(pair)
    if pair.moments == 0:
        st.info("Nothing is learned at either moment, so there is nothing to compare yet.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large", key="ab-step"):
        if pair.moments > 1:
            st.select_slider(
                "Look at both after task",
                list(range(1, pair.moments + 1)),
                key=state.widget("after", moment),
                on_change=state.heard(lambda: state.look_after(state.widget_value("after"))),
                width=420,
            )
        st.segmented_control(
            "Accuracy on", SPLITS, key=state.choice("split"), default="validation", required=True, width="content"
        )
        if st.button("Swap A and B", icon=":material/swap_horiz:", key="swap"):
            state.pin("a", pair.b.pinned.id)
            state.pin("b", pair.a.pinned.id)
            state.look_after(moment)
            st.rerun()
    a, b = pair.a.at(moment), pair.b.at(moment)
    split = state.chosen("split", "validation")
    longer = max((pair.a, pair.b), key=lambda side: side.pinned.tasks_learned)
    scene = Scene(longer.tree, longer.at(moment), split, frozenset(), ink()).with_chips(state.chosen("classes", []))
    if a.id == b.id:
        st.info(
            f"After task {moment} both branches are the same step; move on, they part later.", icon=":material/info:"
        )
    left, right = st.columns([1.35, 1])
    with left:
        ab_panels.curves(pair, moment, scene)
    with right:
        ab_panels.settings(pair, moment, explore)
    ab_panels.measures(pairs.Pair(Side(pair.a.tree, a), Side(pair.b.tree, b)), scene)
    if a.id != b.id:
        if pair.same_stream:
            tasks.chips(scene, lambda: True)
        ab_features.panel(pair, moment, scene)
        ab_panels.images(pair, moment, scene)
