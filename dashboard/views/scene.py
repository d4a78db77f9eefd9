"""What all the panels look at: one snapshot in its tree, and the person's choices of what to stress."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import streamlit as st
from plotly.graph_objects import Figure

from cl_core import datasets, strategies
from cl_core.datasets import DataError
from cl_core.snapshot import Snapshot
from dashboard import glossary, library, markup, pictures, state, stress
from dashboard.library import Tree
from dashboard.palette import INKS, Ink
from dashboard.points import Points

SPLITS = ("validation", "test")
PROJECTED = 1.5  # times the size of type, in charts, whose type does not follow the page's
PAINT = 0.05  # seconds in which the browser begins with what it has


@dataclass(frozen=True)
class Scene:
    """The snapshot one looks at, its tree, the split that accuracies are of, the classes to stress, and the ink.

    stressed: the classes of the chips and of the points that are chosen in the feature space.
    """

    tree: Tree
    node: Snapshot
    split: str
    stressed: frozenset[int]
    ink: Ink
    chips: frozenset[int] = frozenset()  # the classes chosen by their chips; none for all alike
    points: Points = field(default_factory=Points)  # those chosen in the feature space

    @property
    def record(self) -> Any:
        return self.node.record

    @property
    def names(self) -> list[str]:
        """The classes seen so far, in the stream's order."""
        return list(self.node.class_names[: self.node.classes_seen])

    @property
    def first_classes(self) -> list[int]:
        """The class that lends each task its colour: its first, or that of its number if all have all classes."""
        tasks = range(len(self.node.task_sizes))
        return list(tasks) if self.domains else [self.classes(t)[0] for t in tasks]

    @property
    def domains(self) -> list[str]:
        """The domain of each task of a domain-incremental stream, else []."""
        return list(self.record.get("domains", []))

    def classes(self, task: int) -> tuple[int, ...]:
        """The classes of a task, 0 the first."""
        return self.node.classes(task)

    @property
    def task_names(self) -> list[str]:
        """“1 · Coat, Bag”, or “1 · photos” where each task is a domain."""
        if self.domains:
            return [f"{task} · {domain}" for task, domain in enumerate(self.domains, 1)]
        named = []
        for task in range(len(self.node.task_sizes)):
            words = [self.node.class_names[c] for c in self.classes(task)]
            more = f" +{len(words) - 3}" if len(words) > 3 else ""
            named.append(f"{task + 1} · {', '.join(words[:3])}{more}")
        return named

    def strength(self, c: int) -> float:
        """How strongly class c is to be shown: 1, or less when others are stressed."""
        return 1.0 if not self.stressed or c in self.stressed else stress.FAINT

    def with_chips(self, classes: Iterable[int]) -> "Scene":
        """The same with these classes chosen by their chips, as far as they are seen."""
        chips = frozenset(c for c in classes if c < self.node.classes_seen)
        view = library.look(self.tree.store, self.node.id).group("view") if self.points else {}
        return replace(self, chips=chips, stressed=chips | self.points.classes(view))

    @property
    def stressed_tasks(self) -> frozenset[int]:
        tasks = range(len(self.node.task_sizes))
        return frozenset(t for t in tasks if self.stressed & set(self.classes(t)))

    def accuracy(self, node: Snapshot | None = None) -> list[list[float]]:
        """The accuracy matrix, on the chosen split."""
        return (node or self.node).record.get("accuracy", {}).get(self.split, [])

    def totals(self, node: Snapshot | None = None) -> list[float]:
        """Accuracy over all the classes seen after each task."""
        return (node or self.node).record.get("total_accuracy", {}).get(self.split, [])

    def beside(self) -> list[Snapshot]:
        """Other strategies on the same stream, as far as they got: the control without replay first."""
        here = self.record.get("strategy")
        names = ["finetune", *(name for name in strategies.names() if name != "finetune")]
        found = [self._leaf(name) for name in names if name != here]
        return [leaf for leaf in found if leaf is not None and self.accuracy(leaf)]

    def _leaf(self, strategy: str) -> Snapshot | None:
        if not self.tree.is_example:
            return self.tree.leaf_of(strategy)
        try:
            leaf = library.example().beside.get(strategy, "")
            return library.glance(self.tree.store, leaf) if leaf else None
        except library.StoreError:
            return None


def ink() -> Ink:
    """The ink of the theme that the browser shows, with large type for a projector."""
    found = replace(INKS.get(st.context.theme.type or "light", INKS["light"]), narrow=on_a_phone())
    return replace(found, type=PROJECTED) if state.projector() else found


def on_a_phone() -> bool:
    """Whether one drags with a finger, to scroll, rather than with a pointer, to choose."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")


@st.cache_resource(max_entries=96, show_spinner=False)  # it is read only
def composed(key: tuple[object, ...], _draw: Callable[[], Figure]) -> Figure:
    """A figure that is drawn once for its key, which says all that it depends on."""
    return _draw()


@contextmanager
def framed(key: str, question: str, reading: str, stretch: bool = True) -> Iterator[None]:
    """A framed part of the page: what it asks, one line on how to read it, and then the answer."""
    with st.container(border=True, key=f"panel-{key}", height="stretch" if stretch else "content"):
        st.markdown(f"#### {question}", anchors=False)
        if any(term for _, term in glossary.parts(reading)):
            st.html(markup.reading(reading))
        else:
            st.caption(reading)
        yield


@st.cache_data(max_entries=256, show_spinner=False)
def thumbnails(data: str, class_name: str, count: int = 3, domain: str = "") -> str:
    """A strip of real test images of one class, as a data URI; empty when the data cannot be read."""
    images = real_images(data, class_name, domain)[:count]
    return pictures.data_uri(pictures.sheet([images], count)) if len(images) else ""


def real_images(data: str, class_name: str, domain: str = "") -> np.ndarray:
    """Real test images of one class, uint8 (n, h, w, c); none when the data cannot be read, which is told.

    domain: only those of that domain, where the data has several.
    """
    try:
        dataset = datasets.load(data)
        test = dataset.split("test")
        wanted = test.labels == dataset.number(class_name)
    except DataError as error:
        state.tell(str(error))
        return np.zeros((0, 28, 28, 1), np.uint8)
    if domain in dataset.domains and test.domains is not None:
        wanted = wanted & (test.domains == dataset.domains.index(domain))
    return pictures.to_bytes(test.images[wanted])
