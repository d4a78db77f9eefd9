"""How far to learn of a class never shown: old classes are asked, which play the new one, and their answer is told."""

import streamlit as st

from dashboard import newcomers, state, waiting
from dashboard.job import REGISTRY, Job
from dashboard.newcomers import Advice, Asked
from dashboard.views.polling import polled

POLL = 0.5  # seconds, while an answer is awaited


def known(asked: Asked) -> Advice | None:
    """What the old classes have said, if they were asked."""
    job = REGISTRY.get(newcomers.advice_id(asked))
    return job.result if job is not None and job.state == "done" else None


def panel(asked: Asked) -> None:
    """The advice in a sentence; or that it is awaited; or the button that asks for it."""
    job = REGISTRY.get(newcomers.advice_id(asked))
    busy = job is not None and job.active
    polled(_waiting, POLL if busy else None, job.id if job is not None and busy else None)
    advice = known(asked)
    if advice is not None:
        st.caption(_in_words(advice))
    elif not busy:
        if job is not None and job.state == "failed":
            st.error(state.plain(job.message), icon=":material/error:")
        st.button(
            "Ask the old classes how far to learn · about 10 s",
            icon=":material/forum:",
            key="advice",
            on_click=newcomers.advise,
            args=(asked,),
            help="Of the new class nothing is there to tell whether learning helps. But each of six old classes is "
            "taken for new among the others, and of old classes there are pictures: they choose how many steps to "
            "take, and how much the new class counts.",
        )


def _waiting(job_id: str | None) -> None:
    """What is being done. job_id: the job that was active when the whole page was drawn."""
    job: Job | None = REGISTRY.get(job_id) if job_id else None
    if job_id and (job is None or not job.active):
        st.rerun()
    if job is None:
        return
    ahead = waiting.in_words(job)
    words = f"Waiting: {ahead}" if ahead else job.step.words
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/hourglass_top: {words} …", width="content")
        st.button("Stop", icon=":material/close:", key="stop-advice", on_click=REGISTRY.cancel, args=(job,))


def _in_words(advice: Advice) -> str:
    if not advice.steps:
        return (
            "The old classes that played the new one advise **not to learn** from the projected features: it cost them "
            "more than it gave the one they played."
        )
    return (
        f"The old classes that played the new one advise **{advice.steps} steps**, each feature of the new class "
        f"counted {advice.weight:g} times; the table above shows what comes of it."
    )
