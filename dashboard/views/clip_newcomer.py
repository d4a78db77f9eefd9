"""A class never shown: who lends it features, where they go, how near that is to the truth, and learning from them."""

import dataclasses
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from cl_core.config import ConfigError, UnseenConfig
from cl_core.datasets import DataError
from dashboard import asking, markup, newcomers, pictures, state, waiting
from dashboard.job import REGISTRY, Job
from dashboard.newcomers import Advice, Asked, Found
from dashboard.palette import colour, symbol_image
from dashboard.views import clip_advice, clip_dream
from dashboard.views.plot import plot
from dashboard.views.polling import polled
from dashboard.views.scene import framed, ink

if TYPE_CHECKING:
    from cl_core.dreams import Dream

POLL = 0.4  # seconds, while an answer is awaited
WORLDS = {"things": "Drawings of things", "clothes": "Photos of clothes"}
FIRST = {"things": "spider", "clothes": "coat"}  # the new class to begin with
ABOUT = {
    "things": "Old: the 40 things nearest in words, of the 1,300 that it has learned from drawings.",
    "clothes": "Old: the six kinds of clothes that it has learned from photos.",
}
PAPER = {"k": "", "spread": "The paper: average.", "shift": "The paper: 0, or a little."}
FRONT = ("k", "spread", "shift")


def panel() -> None:
    """What is asked, and what is found."""
    with framed(
        "newcomer",
        "A class it has never been shown",
        "From the name of the new class alone: the old classes nearest in words lend their features, turned as the "
        "words turn.",
    ):
        try:
            asked = _choose()
            job = _ask(asked)
        except (ConfigError, DataError) as error:
            st.error(state.plain(str(error)), icon=":material/error:")
            return
        found, waiting = state.found(), job.id if job.active else None
        polled(_status, POLL if waiting else None, waiting, _summary(found))
        if found is not None:
            dreamt = clip_dream.known(asked)
            _show(found, dreamt, clip_advice.known(asked))
            if job.state == "done":  # what is shown is what is asked
                clip_advice.panel(asked)
                clip_dream.panel(asked, found, dreamt)


# What is asked.


def _choose() -> Asked:
    world = state.world(list(WORLDS))
    suggested = asking.never_shown(world)
    first = FIRST[world] if FIRST[world] in suggested else suggested[0]
    name = state.newcomer() or first
    left, right = st.columns([1, 2.1], gap="large")
    with left:
        st.segmented_control(
            "The world it comes into",
            list(WORLDS),
            key=state.widget("world", world),
            format_func=WORLDS.__getitem__,
            required=True,
            on_change=state.heard(lambda: state.look_at_world(state.widget_value("world"))),
        )
        st.caption(ABOUT[world])
        st.selectbox(
            "The new class: choose one, or type your own",
            suggested if name in suggested else [name, *suggested],
            key=state.widget("newcomer", name),
            accept_new_options=True,
            on_change=state.heard(lambda: state.set_newcomer(state.widget_value("newcomer") or "")),
        )
    config = state.unseen()
    with right:
        for column, field in zip(st.columns(len(FRONT), gap="medium"), FRONT, strict=True):
            with column:
                _control(field, getattr(config, field))
    return Asked(world, name, config)


def _control(field: str, value: Any) -> None:
    """A setting with its sentence, its range and what the paper does."""
    f = next(f for f in dataclasses.fields(UnseenConfig) if f.name == field)
    meta, kind = f.metadata, int if field == "k" else float
    common: dict[str, Any] = {
        "key": state.widget(f"unseen-{field}", value),
        "on_change": state.heard(_set),
        "args": (field,),
    }
    if meta["options"]:
        st.segmented_control(meta["label"], meta["options"], required=True, **common)
    else:
        low, high, step = (kind(meta[name]) for name in ("low", "high", "step"))
        st.slider(meta["label"], low, high, step=step, **common)
    st.caption(f"{meta['help']} {PAPER[field]}")


def _set(field: str) -> None:
    state.set_unseen(field, state.widget_value(f"unseen-{field}"))


# What is found.


def _ask(asked: Asked) -> Job:
    """The job that answers. What it has found is kept, and stays to be seen until the next is found."""
    job = newcomers.ask(asked)
    before = REGISTRY.get(state.asked_before(job.id))
    if before is not None:
        REGISTRY.cancel(before)  # nobody waits for it any more
    if job.state == "done":
        state.set_found(job.result)
    if job.state == "failed":
        st.error(state.plain(job.message), icon=":material/error:")
    return job


def _status(waiting_for: str | None, words: str) -> None:
    """One line that is always there. waiting_for: the job that was active when the whole page was drawn."""
    job: Job | None = REGISTRY.get(waiting_for) if waiting_for else None
    if waiting_for and (job is None or not job.active):
        st.rerun()
    elif job is not None and (ahead := waiting.in_words(job)):
        st.caption(f":material/hourglass_top: Waiting: {ahead} …")
    else:
        st.caption(f":material/hourglass_top: {job.step.words} …" if job is not None else words or "\u00a0")


def _summary(found: Found | None) -> str:
    """What this class is to the small CLIP."""
    if found is None:
        return ""
    name = state.plain(found.name)
    if found.withheld is None:
        return f"There are no pictures of “{name}” here: what is real about it cannot be shown."
    if found.withheld:
        return f"“{name}” was kept from the small CLIP; the real pictures are for the truth alone."
    return f"The small CLIP has learned “{name}”, and is asked here as if it had not: an easier case."


def _show(found: Found, dreamt: "Dream | None", advice: Advice | None) -> None:
    from dashboard.charts import newcomer as charts  # Plotly: not before there is something to draw

    names = [lender.name for lender in found.lenders]
    st.html(_lenders(found))
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("##### Turned as the words turn", anchors=False)
        number = st.segmented_control(
            "Lender",
            range(min(len(names), 6)),
            default=0,
            format_func=lambda i: state.plain(names[i]),
            required=True,
            key=state.choice(f"lender-{len(names)}"),
            label_visibility="collapsed",
        )
        plane = found.planes[number or 0]
        plot(
            charts.plane(plane, number or 0, found.name, ink()),
            key="plane",
            alt="The words of the two classes and the way of the features between them",
        )
        st.html(_plane_key(found, number or 0))
    with right:
        st.markdown("##### Where its features should lie", anchors=False)
        st.caption("Two principal axes of what the method knows: the lenders' draws and the projected features.")
        plot(
            charts.cloud(found.cloud, names, found.name, ink()),
            key="cloud",
            alt="The projected features in two dimensions",
        )
        st.html(_cloud_key(found))
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        st.markdown("##### How near is that to the truth?", anchors=False)
        _guesses(found, dreamt)
    with right:
        st.markdown("##### Is it named rightly then?", anchors=False)
        _accuracies(found, dreamt, advice)


def _lenders(found: Found) -> str:
    """The lenders with a picture of each, and the new class with its own, if there are any."""
    cards = ""
    images = pictures.to_bytes(found.pictures)
    for i, lender in enumerate(found.lenders):
        cards += _face(images[i], i + 1, lender.name, f"cos {lender.cosine:.2f} · θ {lender.angle:.0f}°")
    if len(found.truth_pictures):
        real = pictures.to_bytes(found.truth_pictures[:1])[0]
        cards += _face(real, 0, found.name, "real, never seen by the method")
    return f'<div class="il-faces">{cards}</div>'


def _face(image: np.ndarray, c: int, name: str, says: str) -> str:
    source = pictures.data_uri(pictures.sheet([image[None]], 1, scale=3))
    return (
        f'<figure><img class="il-face" src="{source}" alt=""><figcaption>{markup.mark(c)} {escape(name)}'
        f"<i>{says}</i></figcaption></figure>"
    )


def _plane_key(found: Found, number: int) -> str:
    lender = found.lenders[number].name
    items = [
        (_sign(number + 1, hollow=True), f"{lender}, drawn from its Gaussian"),
        (_sign(0, hollow=True), "the same, turned by θ"),
    ]
    return markup.key([*items, *_real_key(found)])


def _cloud_key(found: Found) -> str:
    items = [(_sign(i + 1, hollow=True), lender.name) for i, lender in enumerate(found.lenders)]
    return markup.key([*items, (_sign(0, hollow=True), f"{found.name}, projected"), *_real_key(found)])


def _real_key(found: Found) -> list[tuple[str, str]]:
    return [(_sign(0), f"{found.name}, real: for the truth, never seen by the method")] if found.guesses else []


def _sign(c: int, hollow: bool = False) -> str:
    return f'<img class="il-mark" src="{symbol_image(c, hollow)}" alt="">'


def _guesses(found: Found, dreamt: "Dream | None") -> None:
    if not found.guesses:
        st.caption("Nobody knows: there are no real pictures of it here.")
        return
    st.caption(
        "Cosine to the true mean of its features: as it is, and about the mean of the old classes, which takes off "
        "what all classes share. 1 is the truth."
    )
    best = max(guess.cosine for guess in found.guesses)
    rows = []
    for i, guess in enumerate(found.guesses):
        name = f"<b>{guess.name}</b>" if i == 0 else guess.name
        number = f"<b>{guess.cosine:.3f}</b>" if guess.cosine == best else f"{guess.cosine:.3f}"
        about = "–" if guess.about is None else f"{guess.about:.3f}"
        paint = colour(0) if i == 0 else ink().quiet
        rows.append([name, markup.bar(max(0.0, guess.cosine), None, 1.0, paint), number, about])
    if dreamt is not None and dreamt.cosine is not None:
        bar = markup.bar(max(0.0, dreamt.cosine), None, 1.0, colour(0))
        rows.append(["features of the dreamed pictures", bar, f"{dreamt.cosine:.3f}", "–"])
    st.html(markup.table(["Guess", "", "cosine", "about the mean"], rows, numbers=(2, 3), marked=(0,)))


def _accuracies(found: Found, dreamt: "Dream | None", advice: Advice | None) -> None:
    st.caption(
        f"Shares of pictures named rightly among {found.old} old classes and the new one: by the words alone, and "
        "after learning from features."
    )
    rows, known = [], dict(found.accuracies)
    if advice is not None:
        known[newcomers.ADVISED] = advice.learned
    if dreamt is not None:
        known[newcomers.IMAGES] = dreamt.learned
    for learned_from, shares in known.items():
        numbers = [_share(share) for share in (shares.new, shares.old, shares.total)]
        rows.append([escape(learned_from), *numbers])
    st.html(markup.table(["Learned from", escape(found.name), "old classes", "all"], rows, numbers=(1, 2, 3)))
    if dreamt is not None:
        st.caption(
            "From the dreamed pictures learns the same as from the projected features, by what the image tower sees in "
            "them. Adapters inside both towers, which learn from the pictures themselves beside pictures dreamed of "
            "the old classes, take minutes: `python -m cl_core unseen --images 10` measures them."
        )


def _share(share: float) -> str:
    return "–" if np.isnan(share) else markup.percent(share)
