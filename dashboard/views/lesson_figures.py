"""How the runs of a lesson are drawn: with the charts of the other pages, the runs beside each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from cl_core.snapshot import Snapshot
from dashboard import library, markup, pictures, projections
from dashboard.charts import features, forgetting, losses
from dashboard.lessons import Arm, Lesson, measures
from dashboard.views import film as film_strip
from dashboard.views.plot import plot
from dashboard.views.scene import Scene, framed, real_images

COLUMNS = 8  # images of a class
NARROW = {"curves", "epochs", "refinement"}
NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Shown:
    """A run of a lesson and its last moment."""

    arm: Arm
    scene: Scene

    @property
    def whole(self) -> Snapshot:
        """The snapshot with what there is to look at, and with its statistics."""
        node = self.scene.node
        groups = [g for g in self.scene.tree.store.read_node(node.id)["objects"] if not g.startswith("model")]
        return _load(str(self.scene.tree.store.path), node.id, tuple(groups))


@st.cache_resource(max_entries=24, show_spinner=False)
def _load(store: str, node_id: str, groups: tuple[str, ...]) -> Snapshot:
    return library.store_at(Path(store)).load(node_id, list(groups))


def draw(lesson: Lesson, shown: Sequence[Shown]) -> None:
    """The figures of a lesson, after what to look for; two narrow ones beside each other."""
    st.html(markup.note(lesson.look_for, "Look for"))
    names = list(lesson.figures)
    while names:
        count = 2 if len(names) > 1 and set(names[:2]) <= NARROW else 1
        for place, name in zip(st.columns(count), names[:count], strict=True):
            with place:
                FIGURES[name](shown)
        names = names[count:]


def _curves(shown: Sequence[Shown]) -> None:
    reading = "A line falls when its task is forgotten. Bold: all the classes seen so far, without being told the task."
    with framed("lesson-curves", "Does it remember?", reading):
        scene = shown[0].scene
        beside = [forgetting.Run(one.arm.title, one.scene.accuracy(), one.scene.totals()) for one in shown[1:]]
        upto = len(scene.accuracy())
        if known := scene.record.get("zero_shot"):
            beside.append(forgetting.Run("By words, before", [], known["total_accuracy"][scene.split][:upto]))
        figure = forgetting.curves(
            scene.accuracy(), scene.totals(), scene.task_names, scene.first_classes, scene.ink, beside
        )
        plot(figure, key="lesson-curves", alt="Accuracy of each task after each step")
        lines = [(markup.line(scene.ink.text, "solid"), shown[0].arm.title)]
        lines += [(markup.line(scene.ink.quiet, forgetting.dash(i)), run.name) for i, run in enumerate(beside)]
        st.html(markup.task_key(scene.task_names[:upto], scene.first_classes, lines))


def _epochs(shown: Sequence[Shown]) -> None:
    one = shown[0]
    reading = "Test-like images kept aside for choosing (validation), after each epoch. The thick line is the new task."
    with framed("lesson-epochs", f"{one.arm.title}: what happened while the last task was learned?", reading):
        rows = one.scene.record["epoch_accuracy"]
        figure = forgetting.while_learning(rows, one.scene.task_names, one.scene.first_classes, one.scene.ink)
        plot(figure, key="lesson-epochs", alt="Accuracy of each task after each epoch")
        st.html(markup.task_key(one.scene.task_names[: len(rows[0])], one.scene.first_classes))


def _sheets(shown: Sequence[Shown]) -> None:
    reading = "A row a class. Real test images are shown for the truth; no method sees them once their task is over."
    made = [one for one in shown if len(one.whole.synthetic[1])]
    with framed("lesson-sheets", "What does it dream?", reading):
        classes = sorted(set(made[0].whole.synthetic[1].tolist()))
        node, names = made[0].whole, made[0].scene.names
        real = [real_images(node.config.stream.data, names[c])[:COLUMNS] for c in classes]
        sheets = [("Real", real)]
        for one in made:
            images, labels = one.whole.synthetic
            if note := library.decoded(one.whole):
                st.caption(f"{one.arm.title}: {note}")
            sheets.append((one.arm.title, pictures.by_class(pictures.to_bytes(images), labels, classes, COLUMNS)))
        _beside([(title, _sheet(rows, [names[c] for c in classes], classes, title)) for title, rows in sheets])


def _sheet(rows: list[np.ndarray], names: Sequence[str], classes: Sequence[int], title: str, columns: int = 0) -> str:
    columns = columns or min(COLUMNS, max(len(row) for row in rows))
    source = pictures.data_uri(pictures.sheet(rows, columns, scale=3))
    return markup.sheet(names, classes, source, f"{title}: images, one row a class")


def _beside(sheets: Sequence[tuple[str, str]]) -> None:
    """Sheets with their titles, two in a row, or three where there are as many."""
    each = 3 if len(sheets) == 3 else 2
    for i in range(0, len(sheets), each):
        for place, (title, sheet) in zip(st.columns(each, gap="medium"), sheets[i : i + each], strict=False):
            with place:
                st.markdown(f"**{title}**")
                st.html(sheet)


def _stops(shown: Sequence[Shown]) -> None:
    """The images when the last group of layers is inverted, and when the refinement is over."""
    reading = "The same targets in each sheet. Noise after the layers: the walk did not get there."
    with framed("lesson-stops", "What if it stopped here?", reading):
        sheets = []
        for one in shown:
            frames, arrays = one.scene.record["film"], one.whole.group("film")
            reached = max(i for i, frame in enumerate(frames) if frame["stage"] != "refine")
            classes = sorted(set(arrays["labels"].tolist()))
            names = [one.scene.names[c] for c in classes]
            for frame, words in ((reached, "after the layers"), (len(frames) - 1, "after the refinement")):
                images = pictures.to_bytes(arrays["images"][frame])
                rows = pictures.by_class(images, arrays["labels"], classes, COLUMNS)
                title = f"{one.arm.title}, {words}"
                sheets.append((title, _sheet(rows, names, classes, title)))
        _beside(sheets)


def _film(shown: Sequence[Shown]) -> None:
    film_strip.panel(shown[0].scene)


def _refinement(shown: Sequence[Shown]) -> None:
    reading = "The same objective in all runs, on a logarithmic scale: lower is nearer to what was asked for."
    with framed("lesson-refinement", "How fast does it fall?", reading):
        curves = {one.arm.title: one.scene.record["refine"]["curve"]["total"] for one in shown}
        figure = losses.compared(curves, shown[0].scene.ink)
        plot(figure, key="lesson-refinement", alt="The objective over the iterations")


def _features(shown: Sequence[Shown]) -> None:
    reading = (
        "Filled: real test images as the network sees them; hollow: synthetic ones. Ellipses: the Gaussian that is "
        "kept of each class. Each run is seen by its own network, in its own plane."
    )
    with framed("lesson-features", "Do the Gaussians lie where reality does?", reading):
        places = st.columns(len(shown))
        for place, one in zip(places, shown, strict=True):
            view = one.whole.group("view")
            with place:
                st.markdown(f"**{one.arm.title}**")
                figure = features.scatter(
                    projections.pca(view),
                    view["real_labels"],
                    view.get("synthetic_labels", NONE),
                    one.scene.names,
                    one.scene.ink,
                    height=430,
                )
                key = f"lesson-features-{one.arm.name}"
                plot(figure, key=key, alt=f"{one.arm.title}: features in two dimensions")
        names = shown[0].scene.names
        st.html(markup.key([(markup.mark(c), name) for c, name in enumerate(names)]))


def _leaks(shown: Sequence[Shown]) -> None:
    """What the statistics of the network's input draw, beside the average real image."""
    reading = (
        "Left: the average of the real test images of each class, for the truth. Then the kept means of the network’s "
        "input, drawn as pictures: nothing else is used."
    )
    with framed("lesson-leaks", "What do the statistics draw?", reading):
        scene = shown[0].scene
        classes = list(range(scene.node.classes_seen))
        drawn = [("Average real image", measures.average_images(shown[0].whole))]
        drawn += [(one.arm.title, measures.drawn(one.whole)) for one in shown]
        sheets = []
        for title, images in drawn:
            rows = [pictures.to_bytes(images[c : c + 1]) for c in classes]
            sheets.append((title, _sheet(rows, scene.names, classes, title)))
        for place, (title, sheet) in zip(st.columns(len(sheets), gap="medium"), sheets, strict=True):
            with place:
                st.markdown(f"**{title}**")
                st.html(sheet)


FIGURES: dict[str, Callable[[Sequence[Shown]], None]] = {
    "curves": _curves,
    "epochs": _epochs,
    "sheets": _sheets,
    "stops": _stops,
    "film": _film,
    "refinement": _refinement,
    "features": _features,
    "leaks": _leaks,
}
