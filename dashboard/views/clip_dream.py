"""Pictures dreamed of a class never shown: asked for, watched as they form, and seen beside the real ones."""

from typing import TYPE_CHECKING

import streamlit as st

from dashboard import markup, newcomers, pictures, progress, state, waiting
from dashboard.job import REGISTRY, Job
from dashboard.newcomers import PICTURES, Asked, Found
from dashboard.views.polling import polled

if TYPE_CHECKING:
    from cl_core.dreams import Dream

POLL = 0.5  # seconds, while pictures form
COLUMNS = 12


def known(asked: Asked) -> "Dream | None":
    """What was dreamed, if it was."""
    job = REGISTRY.get(newcomers.dream_id(asked))
    return job.result if job is not None and job.state == "done" else None


def panel(asked: Asked, found: Found, dreamt: "Dream | None") -> None:
    """The pictures; or what they look like as they form; or the button that asks for them."""
    st.markdown("##### What would it look like?", anchors=False)
    job = REGISTRY.get(newcomers.dream_id(asked))
    busy = job is not None and job.active
    polled(_forming, POLL if busy else None, job.id if job is not None and busy else None)
    if dreamt is not None:
        _beside(found, dreamt)
    elif not busy:
        if job is not None and job.state == "failed":
            st.error(state.plain(job.message), icon=":material/error:")
        st.button(
            "Dream pictures of it, and learn from them",
            icon=":material/auto_awesome:",
            key="dream",
            on_click=newcomers.dream,
            args=(asked,),
            help=f"{PICTURES} projected features are inverted through the image tower, layer by layer and then whole, "
            "as in the preset clip-demo; what was learned from their features stands in the table above then.",
        )


def _forming(job_id: str | None) -> None:
    """How far it is, and what forms. job_id: the job that was active when the whole page was drawn."""
    job: Job | None = REGISTRY.get(job_id) if job_id else None
    if job_id and (job is None or not job.active):
        st.rerun()
    if job is None:
        return
    told = progress.fold(job.mailbox.read())
    ahead = waiting.in_words(job)
    words = f"Waiting: {ahead}" if ahead else told.words or job.step.words
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(told.fraction, words, width="stretch")
        st.button(
            "Stopping …" if job.stop_reason else "Stop",
            icon=":material/close:",
            key="stop-dream",
            on_click=REGISTRY.cancel,
            args=(job,),
            disabled=bool(job.stop_reason),
        )
    if told.images is not None:
        rows = [told.images[i : i + COLUMNS] for i in range(0, len(told.images), COLUMNS)]
        sheet = pictures.sheet(rows, COLUMNS, scale=max(1, 64 // told.images.shape[1]))
        what = "the mean of each activation's channels" if told.images_are_activations else "the pictures themselves"
        st.caption(f"What forms: {what}.")
        st.html(markup.picture(pictures.data_uri(sheet), "Pictures as they form"))


def _beside(found: Found, dreamt: "Dream") -> None:
    """Dreamed pictures, and real ones where there are any."""
    dreams = pictures.to_bytes(dreamt.images)
    rows = [dreams[i : i + COLUMNS] for i in range(0, len(dreams), COLUMNS)]
    sheets = [("Dreamed", "from the name and the old classes' features alone", rows)]
    if len(found.truth_pictures):
        real = pictures.to_bytes(found.truth_pictures)
        several = [real[i : i + COLUMNS] for i in range(0, min(len(real), PICTURES), COLUMNS)]
        sheets.append(("Real", "for the truth; never seen by the method", several))
    for column, (title, note, images) in zip(st.columns(2, gap="large"), sheets, strict=False):
        with column:
            st.caption(f"**{title}** · {note}")
            source = pictures.data_uri(pictures.sheet(images, COLUMNS, scale=2))
            st.html(markup.picture(source, f"{title} pictures"))
