"""Which other runs are laid over the forgetting curves: of this experiment, of another, or measured for comparison."""

from dataclasses import dataclass

import streamlit as st

from cl_core import metrics, strategies
from cl_core.config import Config, ConfigError
from cl_core.snapshot import Snapshot
from dashboard import branches, evidence, forms, library, state
from dashboard.charts.forgetting import Run
from dashboard.evidence import Evidence, EvidenceError
from dashboard.views import experiments
from dashboard.views.scene import Scene

TOLD, ZERO_SHOT = "task given", "zero-shot"
MEASURED = "measured."  # keys of what compare has measured


@dataclass(frozen=True)
class Overlay:
    """A run to lay over: what it is called in the list and under the curves, and on which split; None: on either."""

    title: str
    run: Run
    words: str
    split: str | None = None


def choose(scene: Scene) -> list[Overlay]:
    """Draw the list; those that are chosen and that are of the split one looks at."""
    default, offered = _offered(scene)
    name = f"overlay.{scene.tree.path(scene.node.id)[0].id}"
    wanted = [key for key in state.chosen(name, default) if key in offered]
    st.multiselect(
        "Laid over it",
        list(offered),
        key=state.widget(name, wanted),
        format_func=lambda key: offered[key].title,
        on_change=state.heard(lambda: state.choose(name, state.widget_value(name))),
        placeholder="Other strategies, branches and experiments",
        help="Ends of other branches and of your other experiments, and what `compare` measured on this stream.",
    )
    apart = [key for key in wanted if offered[key].split not in (None, scene.split)]
    if apart:
        words = ", ".join(offered[key].title for key in apart)
        st.caption(f"Measured on {offered[apart[0]].split} images; choose them above to see: {words}.")
    return [offered[key] for key in wanted if key not in apart]


def _offered(scene: Scene) -> tuple[list[str], dict[str, Overlay]]:
    """The keys of what is laid over at first, and all that can be."""
    upto, found = len(scene.accuracy()), dict[str, Overlay]()
    beside = scene.beside()
    for leaf in beside:
        found[leaf.id] = Overlay(
            _title(leaf), _run(scene, leaf, leaf.record["strategy"], upto), f"the same with {_title(leaf)}"
        )
    if known := scene.tree.path(scene.node.id)[0].record.get("zero_shot"):
        run = Run(ZERO_SHOT, [], known["total_accuracy"][scene.split][:upto])
        found[ZERO_SHOT] = Overlay("By their words, nothing learned", run, "all seen, by their words, nothing learned")
    told = scene.record.get("task_accuracy", {}).get(scene.split, [])
    if told and not scene.domains:  # where all tasks have the same classes there is nothing to tell
        sizes = scene.node.task_sizes
        totals = [metrics.average_accuracy(told[: i + 1], sizes) for i in range(len(told))]
        found[TOLD] = Overlay(
            "If the task of each image is told", Run(TOLD, [], totals), "all seen, if the task of each image is told"
        )
    default = list(found)
    for key, overlay in (_measured(scene, upto) | _branches(scene, upto) | _elsewhere(scene, upto)).items():
        found.setdefault(key, overlay)
    return default, found


def _run(scene: Scene, leaf: Snapshot, name: str, upto: int) -> Run:
    return Run(name, scene.accuracy(leaf)[:upto], scene.totals(leaf)[:upto])


def _title(leaf: Snapshot) -> str:
    return strategies.get(leaf.record["strategy"]).title


def _branches(scene: Scene, upto: int) -> dict[str, Overlay]:
    """The ends of the other branches of one's own tree."""
    if scene.tree.is_example:
        return {}
    drawn, here = branches.branches(scene.tree, None), scene.tree.farthest(scene.node.id).id
    found = {}
    for number, leaf in enumerate(scene.tree.leaves(), 1):
        if leaf.id == here or not scene.accuracy(leaf):
            continue
        told = [row for row in branches.of(drawn, leaf.id).differs if row[1] != "strategy"]
        words = [f"{forms.spec(s, f).metadata['label'].lower()} {forms.in_words(v)}" for s, f, v in told[:2]]
        title = f"Branch {number}: {' · '.join([_title(leaf), *words])}"
        found[leaf.id] = Overlay(title, _run(scene, leaf, f"branch {number}", upto), title)
    return found


def _elsewhere(scene: Scene, upto: int) -> dict[str, Overlay]:
    """Where each of one's other experiments got farthest."""
    here = scene.tree.path(scene.node.id)[0].id
    ends = {root.id: leaf for root, leaf in library.ends() if root.id != here and scene.accuracy(leaf)}
    called = experiments.names(library.experiments())
    return {
        leaf.id: Overlay(title, _run(scene, leaf, f"other {number}", upto), title)
        for number, (root, leaf) in enumerate(ends.items(), 1)
        if (title := f"{_title(leaf)} · {called.get(root, '')}")
    }


def _measured(scene: Scene, upto: int) -> dict[str, Overlay]:
    """What `compare` has measured on this very stream with this network, and is shipped: means over seeds."""
    results = _comparison()
    if results is None:
        return {}
    try:
        base = Config.from_dict(results.facts["base"])
    except (KeyError, ConfigError):  # written by another version
        return {}
    own = scene.node.config
    if (base.stream, base.network) != (own.stream, own.network):
        return {}
    split = str(results.facts.get("split", "test"))
    found = {}
    for name, entrant in evidence.entrants(results).items():
        rows = [row["accuracy_after_each_task"] for row in results.of(name)]
        totals = [sum(values) / len(values) for values in zip(*rows, strict=True)][:upto]
        title = f"{entrant.title}, measured (mean of {len(rows)} seeds)"
        found[MEASURED + name] = Overlay(title, Run(f"{name}, {len(rows)} seeds", [], totals), title, split)
    return found


@st.cache_resource(max_entries=1, show_spinner=False)  # read only
def _comparison() -> Evidence | None:
    try:
        return evidence.read(evidence.SHIPPED / "compare.json")
    except EvidenceError:
        return None
