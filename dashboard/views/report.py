"""A run as one HTML file that opens without a server: settings, curves, matrix, images, features, the command."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from pathlib import Path

import numpy as np
from plotly.graph_objects import Figure

from cl_core import datasets, metrics, recipe
from cl_core.config import Config
from cl_core.datasets import DataError
from cl_core.snapshot import Snapshot
from dashboard import forms, library, markup, pictures, projections, standalone
from dashboard.charts import features as feature_charts
from dashboard.charts import forgetting
from dashboard.palette import INKS, Ink, colour
from dashboard.standalone import figure, section
from dashboard.views.scene import Scene

STYLE = Path(__file__).parent.parent / "style.css"
STORE = Path("runs") / "store"
COLUMNS = 12


def command(path: Sequence[Snapshot]) -> str:
    """What computes a path again: one command where one config does, else along a list of steps."""
    from cl_core.commands.run import command_line

    config = recipe.one_config(path)
    if config is not None:
        return command_line(config, STORE)
    return f"python -m cl_core run --from settings.json --store {STORE}"


def html(tree: library.Tree, node_id: str, name: str = "") -> str:
    """The whole file. name: what the person calls the experiment."""
    node = library.look(tree.store, node_id)
    scene = Scene(tree, node, "test", frozenset(), INKS["light"])  # its ink is not used: a figure is drawn in every one
    path = tree.path(node_id)
    title = library.title(node.config, len(node.class_names))
    parts = [f"<h1>{escape(name or title)}</h1><p>{escape(title)} · {escape(_where(node))}</p>"]
    if node.tasks_learned:
        parts += [_facts(scene), *_memory(scene), _images(scene), _features(scene), _alignment(scene)]
    parts += [_settings(path), _again(path)]
    return standalone.page(name or title, "".join(parts), STYLE.read_text(encoding="utf-8"))


def _where(node: Snapshot) -> str:
    if node.verb == "start":
        return "nothing is learned yet"
    what = "learning" if node.verb == "learn" else "inverting after"
    strategy = forms.in_words(node.record.get("strategy") or "")
    return f"after {what} task {node.tasks_learned} of {len(node.task_sizes)} · {strategy}"


def _facts(scene: Scene) -> str:
    rows = scene.accuracy()
    _, forgotten = metrics.forgetting(rows)
    average = metrics.average_incremental_accuracy(rows, scene.node.task_sizes)
    seconds = sum(step.record.get("seconds", {}).get("total", 0.0) for step in scene.tree.path(scene.node.id))
    return markup.facts(
        [
            ("Accuracy on all classes seen, test", markup.percent(scene.totals()[-1])),
            ("Average incremental accuracy", markup.percent(average)),
            ("Forgetting", "–" if forgotten is None else markup.percent(forgotten)),
            ("Seconds of computing", f"{seconds:.0f}"),
            ("Kept of the old classes", markup.size(scene.record.get("kept_bytes", 0))),
        ]
    )


def _memory(scene: Scene) -> list[str]:
    upto = len(scene.accuracy())

    def curves(ink: Ink) -> Figure:
        return forgetting.curves(scene.accuracy(), scene.totals(), scene.task_names, scene.first_classes, ink)

    def matrix(ink: Ink) -> Figure:
        return forgetting.matrix(scene.accuracy(), len(scene.node.task_sizes), ink)

    key = markup.task_key(scene.task_names[:upto], scene.first_classes)
    return [
        section(
            "Does it remember?",
            "Accuracy on test images. A line falls when its task is forgotten. Bold: all the classes seen so far.",
            figure(curves) + key,
        ),
        section("Which task is remembered when?", "Read down a column: the same task, later.", figure(matrix)),
    ]


def _images(scene: Scene) -> str:
    images, labels = scene.node.synthetic
    classes = sorted(set(labels.tolist()))
    if not classes:
        return section("What does it dream?", "There are no synthetic images at this moment.", "")
    dreams = pictures.by_class(pictures.to_bytes(np.asarray(images)), labels, classes, COLUMNS)
    names = [scene.node.class_names[c] for c in classes]
    try:
        real = [_real(scene.node.config.stream.data, name) for name in names]
    except DataError as error:
        picture = markup.picture(pictures.data_uri(pictures.sheet(dreams, COLUMNS)), "Synthetic images, a row a class")
        return section("What does it dream?", f"Synthetic images, a row a class. {error}", picture)
    sheets = [pictures.data_uri(pictures.sheet(rows, COLUMNS)) for rows in (real, dreams)]
    return section(
        "What does it dream?",
        "A row a class. Real images of old classes are shown for the truth and are never seen by the method. "
        + library.decoded(scene.node),
        markup.sheet_pair(names, classes, sheets[0], sheets[1], bool(library.decoded(scene.node))),
    )


def _real(data: str, class_name: str) -> np.ndarray:
    dataset = datasets.load(data)
    test = dataset.split("test")
    rows = np.flatnonzero(test.labels == dataset.number(class_name))[:COLUMNS]
    return pictures.to_bytes(test.images[rows])


def _features(scene: Scene) -> str:
    view = scene.node.group("view")
    if "real" not in view:
        return ""
    projection = projections.pca(view)
    made = view.get("synthetic_labels", np.zeros(0, np.int64))

    def space(ink: Ink) -> Figure:
        return feature_charts.scatter(projection, view["real_labels"], made, scene.names, ink)

    key = markup.key([(markup.mark(c), name) for c, name in enumerate(scene.names)])
    return section(
        "Do dreams live where reality does?",
        f"The penultimate features: filled is real (test), hollow is synthetic. {projection.note}",
        figure(space) + key,
    )


def _alignment(scene: Scene) -> str:
    rows = scene.record.get("alignment", [])
    if not rows:
        return ""
    largest = max([row["frechet"] for row in rows] + [row["floor"] or 0.0 for row in rows])
    cells = [
        [
            f"{markup.mark(row['class'])} {escape(scene.node.class_names[row['class']])}",
            markup.bar(row["frechet"], row["floor"], largest, colour(row["class"])),
            markup.number(row["frechet"]),
            "–" if row["floor"] is None else markup.number(row["floor"]),
            "–" if row["cosine"] is None else f"{row['cosine']:.2f}",
        ]
        for row in rows
    ]
    return section(
        "How far off is each class?",
        "Fréchet distance between synthetic and real features; the tick is the floor that two real sets give.",
        markup.table(["Class", "Distance", "", "Floor", "Cosine"], cells, (2, 3, 4)),
    )


def _settings(path: Sequence[Snapshot]) -> str:
    """What differs from the paper in the first step, and what changes from step to step."""
    first = path[1].config if len(path) > 1 else path[0].config
    rows = [[escape(label), escape(a), f"<b>{escape(b)}</b>"] for _, _, label, a, b in forms.changes(Config(), first)]
    body = markup.table(["Setting", "The paper", "Here"], rows)
    changed = []
    for before, step in pairwise(path[1:]):
        for part, _, label, a, b in forms.changes(before.config, step.config):
            if part == step.verb:
                told = f"{'Learn' if step.verb == 'learn' else 'Invert after'} task {step.tasks_learned}"
                changed.append([told, escape(label), escape(a), f"<b>{escape(b)}</b>"])
    if changed:
        body += f"<h2>What was changed on the way</h2>{markup.table(['At', 'Setting', 'Before', 'Then'], changed)}"
    seed = f"Seed {first.machine.seed}; every setting that is not listed has the paper’s value."
    return section("With which settings?", seed, body)


def _again(path: Sequence[Snapshot]) -> str:
    steps = recipe.of(path)
    body = f"<pre>{escape(command(path))}</pre>"
    if recipe.one_config(path) is None:
        body += f"<p>settings.json:</p><pre>{escape(steps.to_json())}</pre>"
    machine = f"{path[-1].record.get('device', 'cpu')}, threads: {path[0].config.machine.threads}"
    return section("How is it computed again?", f"The same numbers on the same machine ({machine}).", body)
