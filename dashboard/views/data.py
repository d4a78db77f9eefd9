"""The Data page: what is there to learn from, what is in it, and what is done to it."""

import dataclasses
import math
from collections.abc import Callable
from html import escape
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cl_core import datasets, presets
from cl_core.datasets import FOLDER, SPLITS, DataError, Dataset, vision
from dashboard import fetch, markup, pictures, state
from dashboard.views import elsewhere
from dashboard.views.polling import polled
from dashboard.views.scene import framed

STYLE = Path(__file__).parent.parent / "style.css"
POLL = 0.5  # seconds, while something is being fetched
COLUMNS = 12  # images of a class in the sheet
MANY = 20  # classes, from which on the lists scroll
HEIGHT = 620  # pixels of a list that scrolls
BUNDLED = {
    "fashion-mnist": "ten kinds of clothes, 28 × 28 grey",
    "emoji": "drawings in 33 groups and six styles, which can come one after another, 32 × 32 colour",
    "emoji-concepts": "99 kinds of things, drawn six times each, 32 × 32 colour",
}
SMALL = 30  # images of a class to learn from, below which more are wanted
FOLDERS = """photos/
├── cats/    a.jpg  b.jpg  c.jpg …
├── mugs/    1.png  2.png …
└── plants/  …"""

LATER = (  # the same for all data
    "While learning, they may be shifted by some pixels and get a little noise, as the settings say.",
    "The network sees them with the mean and the spread of the first task's images taken out; later tasks have no say "
    "in that.",
)


def page(explore: st.Page) -> None:
    """Draw the page. explore: where an experiment with the chosen images begins."""
    st.html(STYLE)
    st.title("Data", anchor=False)
    st.html(
        '<p class="il-lede">What shall the network learn? Ten kinds of clothes come with the program. Your own photos '
        "make the better lesson: you know at a glance whether what it dreams up is your cat or your mug.</p>"
    )
    elsewhere.line()
    notices = st.container()
    left, right = st.columns([1, 1.15], gap="medium")
    with left:
        said = _own_folder()
    with right:
        _well_known()
    name = state.data()
    try:
        with st.spinner(f"Reading {datasets.title(name)} …", show_time=True):
            dataset = datasets.load(name)
            dataset.split("train")  # what is damaged shows here
    except DataError as error:
        (said if name.startswith(FOLDER) else st).error(str(error), icon=":material/error:")
    else:
        _chosen(dataset, explore)
    for sentence in state.notices():
        notices.warning(sentence, icon=":material/info:")


# Choosing.


def _own_folder() -> DeltaGenerator:
    """How to lay out a folder, and where it is. Returns the place for what is wrong with it."""
    with framed(
        "own", "Teach it your own things", "With two kinds of things it learns; from three on it also forgets."
    ):
        st.markdown(
            "Put your photos into a folder with **one sub-folder for each kind of thing**; its name is what the thing "
            f"is called. About {SMALL} photos of each make a good start; {datasets.folders.LEAST} are the least."
        )
        st.code(FOLDERS, language=None)
        name = state.data()
        st.text_input(
            "Path of the folder",
            **state.typed("folder", name.removeprefix(FOLDER) if name.startswith(FOLDER) else ""),
            placeholder="~/Pictures/photos",
            on_change=state.heard(_look_into_folder),
            help="Photos of any size and format. One more level (photos/cats, sketches/cats …) makes domains: the same "
            "things, seen differently.",
        )
        said = st.container()
        st.caption("Your photos are only read; they stay as they are, and on this computer.")
    return said


def _look_into_folder() -> None:
    path = state.widget_value("folder").strip().strip("\"'")
    if path:
        state.look_at_data(FOLDER + path)


def _well_known() -> None:
    with framed("known", "Or take a well-known set", "Each is fetched once, if you ask for it, and then stays here."):
        busy = _fetched_now()
        polled(_sets, POLL if busy else None, busy, state.data())


def _fetched_now() -> list[str]:
    jobs = {name: fetch.job(name) for name in vision.SOURCES}
    return [name for name, job in jobs.items() if job is not None and job.active]


def _sets(busy: list[str], shown: str) -> None:
    """A line a set. busy, shown: what was being fetched and shown when the whole page was drawn.

    When that has changed, the whole page is drawn anew, not this part alone; a set that has arrived is shown.
    """
    now = _fetched_now()
    for name in busy:
        if name not in now and vision.on_disk(name):
            state.look_at_data(name)
    if now != busy or state.data() != shown:
        st.rerun()
    with st.container(key="sets"):
        for name, about in BUNDLED.items():
            _line(name, f"{about}; comes with the program", "Look", _look)
        for name, source in vision.SOURCES.items():
            job = fetch.job(name)
            if job is not None and job.active:
                _fetching(name)
            elif vision.on_disk(name):
                _line(name, source.about, "Look", _look)
            else:
                size = markup.size(source.size)
                help_text = f"{size} over the internet, through torchvision. Licence: {source.licence}."
                _line(name, source.about, f"Fetch {size}", _fetch, ":material/download:", help_text)
            if job is not None and job.state == "failed":
                st.error(job.message, icon=":material/error:")


def _line(
    name: str, about: str, label: str, act: Callable[[str], None], icon: str | None = None, help_text: str | None = None
) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{datasets.title(name)}** · {about}", width="stretch")
        here = state.data() == name
        st.button(
            "Shown below" if here else label,
            icon=":material/arrow_downward:" if here else icon,
            help=help_text,
            disabled=here,
            key=f"take-{name}",
            on_click=act,
            args=(name,),
        )


def _look(name: str) -> None:
    state.look_at_data(name)


def _fetch(name: str) -> None:
    fetch.start(name)


def _fetching(name: str) -> None:
    """How far it is, and a way to stop."""
    job = fetch.job(name)
    assert job is not None
    told = [item.fraction for item in job.mailbox.read() if isinstance(item, fetch.Arrived)]
    fraction = told[-1] if told else 0.0
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words = f"{markup.percent(fraction)} are here" if fraction < 1 else "unpacking and checking"
        st.progress(fraction, f"**{datasets.title(name)}** · {words}", width="stretch")
        st.button(
            "Stopping …" if job.stop_reason else "Stop",
            icon=":material/close:",
            key=f"stop-{name}",
            on_click=fetch.FETCHES.cancel,
            args=(job,),
            disabled=bool(job.stop_reason),
        )


# Looking.


def _chosen(dataset: Dataset, explore: st.Page) -> None:
    """What is in the chosen images, and the way to an experiment with them."""
    with st.container(border=True, key="chosen"):
        words, door = st.columns([2.6, 1], vertical_alignment="center", gap="large")
        with words:
            st.markdown(f"### {escape(datasets.title(dataset.name))}", anchors=False)
            st.html(markup.facts(_facts(dataset)))
        with door:
            _door(dataset, explore)
    left, right = st.columns([1, 1.7], gap="medium")
    with left, framed("counts", "How many are there?", "Images of each class in each split."):
        _counts(dataset)
    with right, framed("samples", "What do they look like?", _reading(dataset)):
        _samples(dataset)
    with framed("done", "What is done to them?", "From the files to what the network sees."):
        st.markdown("\n".join(f"- {sentence}" for sentence in (*dataset.preparation, *LATER)))
        st.caption(f"Licence: {dataset.licence}.")


def _facts(dataset: Dataset) -> list[tuple[str, str]]:
    """(what, how much) for the headline."""
    channels, height, width = dataset.split("train").images.shape[1:]
    total = sum(len(dataset.split(split)) for split in SPLITS)
    facts = [("classes", str(len(dataset.class_names))), ("images", f"{total:,}".replace(",", "\u202f"))]
    if dataset.domains:
        facts.append((f"domains: {', '.join(dataset.domains)}", str(len(dataset.domains))))
    return [*facts, ("pixels, grey" if channels == 1 else "pixels, in colour", f"{height} × {width}")]


def _reading(dataset: Dataset) -> str:
    words = f"A row a class: up to {COLUMNS} of those to learn from, as small as the network sees them."
    return f"{words} From left to right: {', '.join(dataset.domains)}." if dataset.domains else words


def _counts(dataset: Dataset) -> None:
    counts = [np.bincount(dataset.split(s).labels, minlength=len(dataset.class_names)) for s in SPLITS]
    rows = [
        [f"{markup.mark(c)} {escape(name)}", *(f"{count[c]}" for count in counts)]
        for c, name in enumerate(dataset.class_names)
    ]
    rows.append(["all", *(f"<b>{count.sum()}</b>" for count in counts)])
    with st.container(height=HEIGHT if len(rows) > MANY else "content", border=False):
        st.html(markup.table(["Class", "Train", "Validation", "Test"], rows, numbers=(1, 2, 3)))
    for d, domain in enumerate(dataset.domains):
        sizes = [np.count_nonzero(dataset.split(s).domains == d) for s in SPLITS]
        st.caption(
            f"{state.plain(domain)}: {sizes[0]} to learn from, {sizes[1]} for validation, {sizes[2]} for the test"
        )
    if counts[0].min() < SMALL:
        fewest = dataset.class_names[int(counts[0].argmin())]
        st.caption(f"“{state.plain(fewest)}” has only {counts[0].min()} images to learn from; more would help.")


def _samples(dataset: Dataset) -> None:
    names = dataset.class_names
    with st.container(height=HEIGHT if len(names) > MANY else "content", border=False):
        source = _sheet(dataset.fingerprint, dataset)
        st.html(markup.sheet(names, range(len(names)), source, "Images to learn from, one row a class"))


@st.cache_data(max_entries=8, show_spinner=False)
def _sheet(fingerprint: str, _dataset: Dataset) -> str:
    """The sheet as a data URI. Of a set with domains, each row shows a few of each domain in turn."""
    train = _dataset.split("train")
    images = pictures.to_bytes(train.images)
    each = COLUMNS if not _dataset.domains else max(1, COLUMNS // len(_dataset.domains))
    rows = []
    for c in range(len(_dataset.class_names)):
        found = np.flatnonzero(train.labels == c)
        if train.domains is not None:
            found = np.concatenate([found[train.domains[found] == d][:each] for d in range(len(_dataset.domains))])
        rows.append(images[found[:COLUMNS]])
    columns = max(8, *(len(row) for row in rows))  # few images are shown larger, but not huge
    return pictures.data_uri(pictures.sheet(rows, columns, scale=2 if len(rows) <= MANY else 1))


# Leaving.


def _door(dataset: Dataset, explore: st.Page) -> None:
    """The way to a new experiment with these images."""
    busy = elsewhere.running() is not None
    classes = len(dataset.class_names)
    if st.button(
        "Learn from these images",
        type="primary",
        width="stretch",
        key="learn-from",
        disabled=busy,
        help="Wait for the run on the Explore page." if busy else None,
    ):
        preset = state.DEFAULT_PRESET
        base = presets.preset(preset)
        scenario = "domain-incremental" if dataset.domains else base.stream.scenario
        stream = dataclasses.replace(base.stream, data=dataset.name, scenario=scenario, increment=increment(classes))
        state.set_new(dataclasses.replace(base, stream=stream), preset)
        state.ask_for_new(True)
        st.switch_page(explore, query_params=state.address_of("explore"))
    tasks = math.ceil(classes / increment(classes))
    if dataset.domains:
        st.caption(f"{len(dataset.domains)} tasks, to begin with: the same classes in one domain after the other.")
    elif tasks == 1:
        st.caption("Two classes make one task: there is nothing to forget yet. A third sub-folder changes that.")
    else:
        up_to = "up to " if classes % increment(classes) else ""
        st.caption(f"{tasks} tasks of {up_to}{increment(classes)} classes, to begin with; the form lets you choose.")


def increment(classes: int) -> int:
    """Classes a task to begin with: about five tasks, of two classes at least (with one there is nothing to tell)."""
    return max(2, round(classes / 5))
