"""While a job runs: what it does, how far it is, what forms, and a way to stop. The one fragment that polls."""

from typing import Literal

import streamlit as st

from dashboard import estimate, markup, pictures, progress, state, waiting
from dashboard.job import REGISTRY, Job
from dashboard.progress import Progress
from dashboard.views import actions
from dashboard.views.polling import polled
from dashboard.views.scene import Scene, ink

POLL = 0.5  # seconds


def move_on(job: Job) -> bool:
    """Let the page follow a job: to its newest snapshot, and away from it when it is over. Returns whether it was

    active before its results were looked at: what it has made since then is found when it is asked again.
    """
    active = job.active
    if active or job.state == "done" or state.has_followed():  # else its words stay, and the address names the moment
        state.move_on(job.made)
    if not active and job.state == "done":
        state.follow(None)
    return active


def panel(job: Job | None, scene: Scene | None, busy: bool) -> None:
    """The live panel, polled while there is something to poll."""
    polled(_panel, POLL if busy else None, None if job is None else job.id, scene, busy)


def _panel(job_id: str | None, scene: Scene | None, busy: bool) -> None:
    """busy: whether the job was active when the whole page was drawn; when it no longer is, the page is drawn anew."""
    job = REGISTRY.get(job_id) if job_id else None
    if job is None:
        return
    if busy and (not job.active or len(job.made) > state.shown_of_run()):
        st.rerun()
    elif not job.active:
        ended(job)
    elif busy:
        with st.container(border=True, key="live"):
            running(job, scene)


def ended(job: Job) -> None:
    """Why a run ended before it was done, and its loss until then: the only trace of a half-taken step."""
    failed, where = job.state == "failed", f", step {job.step.number} of {job.step.of}," if job.step.of > 1 else ""
    told = progress.fold(job.mailbox.read())
    with st.container(border=True, key="failure" if failed else "stopped"):
        if failed:
            st.error(f"{job.title}{where} stopped. {job.message}", icon=":material/error:")
        else:
            st.info(f"{job.title}{where} was stopped. {job.message}", icon=":material/block:")
        if told.losses:
            _loss(told, f"It came to {100 * told.fraction:.0f} % of the step; none of it is kept.", "ended", 150)
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Dismiss", on_click=state.follow, args=(None,)):
                st.rerun()  # the whole page, not this fragment alone
            st.caption("What was computed before is kept, and you can run it again.")
        if failed:
            with st.expander("Details for a bug report"):
                st.code(job.details or job.message, language=None)


def running(job: Job, scene: Scene | None, key: str = "live") -> None:
    """How far a job is, and what forms. scene: what its tasks and classes are called; key: tells its parts apart."""
    told = progress.fold(job.mailbox.read())
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(_headline(job, told), width="content")
        st.button(
            "Cancelling …" if job.stop_reason else "Cancel run",
            icon=":material/close:",
            on_click=actions.cancel,
            args=(job,),
            disabled=bool(job.stop_reason),
            key="cancel" if key == "live" else f"cancel-{key}",
        )
    st.progress(told.fraction)
    if job.state == "queued":
        st.caption("One run computes at a time. Yours begins by itself when it is its turn; look around meanwhile.")
    if scene is None or not (told.losses or told.accuracies or told.images is not None):
        return
    left, right = st.columns(2, gap="medium")
    with left:
        _loss(told, "How fast does the loss fall?", key)
    with right:
        if told.accuracies:
            _accuracies(told, scene)
        if told.images is not None:
            _images(told, scene)


def _headline(job: Job, told: Progress) -> str:
    if job.state == "queued":
        return f'<div class="il-live"><b>Waiting</b><span>{waiting.in_words(job)}</span></div>'
    step = job.step
    where = f" · step {step.number} of {step.of}" if step.of > 1 and step.number else ""
    left = waiting.seconds_left(job)
    words = [f"<b>{step.words}{where}</b>", f"<span>{told.words}</span>" if told.words else ""]
    words.append(f"<span>{estimate.in_words(left)} left</span>" if left is not None and told.words else "")
    return f'<div class="il-live" data-stage="{told.stage}">{" ".join(words)}</div>'


def _loss(told: Progress, question: str, key: str, height: int | Literal["content"] = "content") -> None:
    from dashboard.charts import live as charts  # Altair: not before something moves

    st.caption(question)
    st.altair_chart(charts.typed(charts.loss(told.losses, ink()), ink()), height=height, key=f"{key}-loss")


def _accuracies(told: Progress, scene: Scene) -> None:
    from dashboard.charts import live as charts

    st.caption("What happens to the old tasks meanwhile?")
    count = len(told.accuracies[-1][1])
    names, firsts = scene.task_names[:count], scene.first_classes[:count]
    st.altair_chart(charts.typed(charts.accuracies(told.accuracies, names, firsts), ink()), key="live-accuracy")
    st.html(markup.task_key(names, firsts))


def _images(told: Progress, scene: Scene) -> None:
    assert told.images is not None
    what = "the mean of each activation's channels" if told.images_are_activations else "the images themselves"
    if told.images_are_decoded:
        what = "pictures decoded from hidden inputs, for looking at"
    st.caption(f"What forms? At this layer, {what}.")
    if told.layer_names:
        st.html(markup.chain(told.layer_names, told.layer - 1))
    else:
        st.html(markup.chain(scene.record.get("layer_names", []), None))
    classes = sorted(set(told.image_labels))
    columns = 8 if len(classes) <= 3 else 16
    rows = [told.images[i : i + columns] for i in range(0, len(told.images), columns)]
    sheet = pictures.sheet(rows, columns, scale=max(1, 56 // told.images.shape[1]))
    st.html(markup.picture(pictures.data_uri(sheet), "Images as they form"))
    st.html(markup.key([(markup.mark(c), scene.node.class_names[c]) for c in classes]))
