"""Names compete on pictures: of what the small CLIP knows, of what it was never shown, and of one's own."""

import io

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cl_core.datasets import DataError, folders
from cl_core.pretraining import contest, gallery
from dashboard import asking, cards, state
from dashboard.asking import OWN, Question
from dashboard.job import Job
from dashboard.views.polling import polled
from dashboard.views.scene import framed

POLL = 0.4  # seconds, while an answer is awaited
KINDS = {
    "things": "Things never shown",
    "style": "A style never shown",
    "clothes": "Clothes",
    "learned": "What it has learned",
    OWN: "Your own picture",
}
MOST_MEGABYTES = folders.MOST_BYTES // 1_000_000


def panel() -> None:
    """Controls, and a card for each picture."""
    with framed(
        "contest",
        "Which words fit?",
        "The names compete on every picture; the bars are their probabilities. Bold is the true name, if it competes.",
    ):
        kind = state.pictures(list(KINDS))
        _choose(kind)
        left, right = st.columns([1, 2.5], gap="large")
        try:
            with left:
                own = _own() if kind == OWN else None
                asked = None
                if kind != OWN or own is not None:
                    asked = asking.question(kind, state.draw(), state.names(), state.in_sentences(), own)
                _names(kind, asked)
            with right:
                if asked is None:
                    st.info("Choose a picture: a drawing of one thing on white suits it best.", icon=":material/image:")
                else:
                    _answer(asked)
        except DataError as error:
            st.error(state.plain(str(error)), icon=":material/error:")


# What is asked.


def _choose(kind: str) -> None:
    st.pills(
        "Pictures",
        list(KINDS),
        key=state.widget("pictures", kind),
        format_func=KINDS.__getitem__,
        on_change=state.heard(lambda: state.look_at_pictures(state.widget_value("pictures") or kind)),
    )
    st.caption(
        f"{gallery.KINDS[kind].capitalize()}."
        if kind != OWN
        else "It is shown to the small CLIP on this computer only."
    )


def _names(kind: str, asked: Question | None) -> None:
    """The words of a person, or the names of what is to be seen."""
    st.text_area(
        "Names or sentences, one a line",
        **state.typed("names", state.names() or ("\n".join(asked.names) if asked else "")),
        height=236,
        max_chars=state.MOST_TEXT,
        on_change=state.heard(_take_names),
        args=(asked.names if asked and not state.names() else (),),
        help=f"Your own, in English: the small CLIP has read some 3,700 words. Up to {contest.MOST_NAMES} compete.",
    )
    st.segmented_control(
        "Each name is asked",
        [True, False],
        key=state.widget("in-sentences", state.in_sentences()),
        format_func=lambda yes: "in sentences" if yes else "as it is",
        required=True,
        on_change=state.heard(lambda: state.set_in_sentences(bool(state.widget_value("in-sentences")))),
        help="In sentences: as “a drawing of …”, “a picture of …” and others, whose mean is taken, which is steadier. "
        "As it is: for whole sentences of your own.",
    )
    with st.container(horizontal=True, gap="small"):
        st.button("Let them compete", type="primary", key="compete")
        if kind != OWN:
            st.button("Other pictures", icon=":material/shuffle:", key="others", on_click=state.draw_others)
        if state.names():
            st.button("Their own names", icon=":material/undo:", key="own-names", on_click=state.set_names, args=("",))


def _take_names(default: tuple[str, ...]) -> None:
    text = state.widget_value("names")
    state.set_names("" if text.split("\n") == list(default) else text)


def _own() -> np.ndarray | None:
    """The picture that a person has chosen, as small as the network sees it."""
    file = st.file_uploader(
        "A picture",
        type=["png", "jpg", "jpeg", "webp"],
        key=state.choice("own-picture"),
        max_upload_size=MOST_MEGABYTES,
        help="Turned upright, cut to its central square and scaled to 32 × 32; what is transparent becomes white.",
    )
    if file is not None:
        _take_picture(file)
    return state.own_picture()


def _take_picture(file: UploadedFile) -> None:
    """Read a file anew only when it is another one."""
    if state.own_file() == file.file_id:
        return
    image = folders.picture(io.BytesIO(file.getvalue())) if file.size <= folders.MOST_BYTES else None
    if image is None:
        st.error(
            f"“{state.plain(file.name)}” cannot be read: it is damaged, no image, or larger than "
            f"{MOST_MEGABYTES} MB or {folders.MOST_PIXELS // 1_000_000} million pixels.",
            icon=":material/error:",
        )
        return
    state.set_own_picture(image, file.file_id)


# What is answered.


def _answer(asked: Question) -> None:
    """The answer; until it is there, the last one to these pictures, if there was one."""
    found, job = asking.known(asked), None
    if found is None:
        job = asking.ask(asked)
        found = job.result if job.state == "done" else None
    waiting = job is not None and job.active
    names = asked.names
    if found is not None:
        state.set_answered(asked, found)
    else:
        last = state.answered()
        same = last is not None and (last[0].kind, last[0].number, last[0].own) == (asked.kind, asked.number, asked.own)
        if last is not None and same:
            names, found = last[0].names, last[1]
    shown = asking.shown(asked)
    if job is not None and job.state == "failed":
        st.error(state.plain(job.message), icon=":material/error:")
    polled(_status, POLL if waiting else None, job.id if job and waiting else None, _score(asked, names, found))
    st.html(cards.cards(shown, names, found, bars=12 if asked.kind == OWN else cards.BARS))


def _score(asked: Question, names: tuple[str, ...], found: np.ndarray | None) -> str:
    """How many were named rightly, in words."""
    if found is None:
        return ""
    right, of = cards.score(asking.shown(asked), names, found)
    return (
        f"**{right} of {of}** pictures get their true name; by chance it would be {of / len(names):.1g}." if of else ""
    )


def _status(waiting_for: str | None, words: str) -> None:
    """One line that is always there. waiting_for: the job that was active when the whole page was drawn."""
    job: Job | None = asking.ASKS.get(waiting_for) if waiting_for else None
    if waiting_for and (job is None or not job.active):
        st.rerun()
    st.caption(f":material/hourglass_top: {job.step.words} …" if job is not None else words or "\u00a0")
