"""The race: this moment's targets inverted in several ways at the same compute, as a job, and what came out."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from cl_core import heats as kept
from cl_core.config import InvertConfig
from cl_core.heats import Heat
from cl_core.racers import CLIP_RACERS, FIRST, OWN, RACERS, Racer, own
from dashboard import estimate, findings, heats, library, markup, pictures, state
from dashboard.charts import racing as charts
from dashboard.evidence import Evidence
from dashboard.job import REGISTRY
from dashboard.palette import shape_image
from dashboard.views import actions, live
from dashboard.views.plot import plot
from dashboard.views.polling import polled
from dashboard.views.scene import Scene, framed, ink

POLL = 0.5
READING = (
    "The same targets, drawn from this moment's Gaussians, go back to images in several ways with the same compute: a "
    "unit is a forward and a backward pass of all of them through the whole network. All minimise one objective."
)
WITHOUT = (
    "This step is kept without its network, so nothing can race here. Run an experiment of your own: there, every step "
    "can."
)
SETTINGS = {
    "layer_lr": "step size at a layer", "full_lr": "step size", "beta2": "β₂", "layer_alpha": "statistics at a layer ×",
    "iterations_per_layer": "iterations a group", "groups": "groups:",
}  # fmt: skip


def panel(scene: Scene) -> None:
    """A fragment of its own, which polls as long as the race of this snapshot runs."""
    job = REGISTRY.get(actions.race_job_id(scene.node.id))
    busy = job is not None and job.active
    polled(_panel, POLL if busy else None, scene, state.settings(scene.node).invert, busy)


def _panel(scene: Scene, settings: InvertConfig, busy: bool) -> None:
    job = REGISTRY.get(actions.race_job_id(scene.node.id))
    if busy and (job is None or not job.active):
        st.rerun()
    with framed("race", "Does layer by layer win?", READING):
        places = [library.own_store().files, scene.tree.store.files]
        able = library.has_network(scene.tree.store, scene.node.id)
        budgets = [units for files in places for units in kept.budgets(files, scene.node.id)]
        if not able and not budgets:
            st.markdown(WITHOUT)
            return
        field = heats.field(own(settings), scene.node.config.network)
        chosen, units = _choices(field, budgets, scene.node.id)
        run = heats.found(places, scene.node.id, chosen, units)
        if busy and job is not None:
            with st.container(key="race-live"):
                live.running(job, scene, "race")
        else:
            if job is not None and job.state == "failed":
                st.error(job.message, icon=":material/error:")
            _start(scene, chosen, [heat.racer for heat in run], units, able)
        if any(heat.rows for heat in run):
            _came_out(run, units, scene, busy)


def _choices(field: dict[str, Racer], budgets: Sequence[int], node_id: str) -> tuple[list[Racer], int]:
    """Who races, and how far."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        names = st.pills(
            "Who races", list(field), default=FIRST, selection_mode="multi", key=state.choice("racers"),
            format_func=lambda name: state.plain(name), width="stretch",
            help="The paper goes layer by layer from noise; groups invert a few layers at a time; a decoder start is "
            "fitted on images of the newest task; noise goes through the whole network at once. Or your own: groups, "
            "starts, pixels and optimiser of the next step's settings, for the objective that all share.",
        )  # fmt: skip
        offered = sorted({*heats.BUDGETS, *budgets})
        units = st.segmented_control(
            "Units of compute", offered, default=budgets[0] if budgets else 50, required=True,
            key=state.choice(f"race-units.{node_id}"),
            help="The same for all, layers and the fitting of decoders included.",
        )  # fmt: skip
    return [field[name] for name in names if name in field], int(units or 50)


def _start(scene: Scene, chosen: Sequence[Racer], there: Sequence[str], units: int, able: bool) -> None:
    """The button, with the time it will take; nothing when all that is chosen has been run."""
    missing = [racer for racer in chosen if racer.name not in there]
    if not chosen:
        st.markdown("Choose who is to race.")
    if not missing:
        return
    if not able:
        st.caption("Not raced here: " + ", ".join(racer.name for racer in missing) + ".")
        return
    trials = [sum(len(values) for values in racer.grid.values()) for racer in missing]
    time = estimate.in_words(estimate.heats(scene.node, trials, units, library.experience()))
    words = "Race" if len(missing) == len(chosen) else "Let the missing ones race"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if st.button(
            f"{words}{f' · {time}' if time else ''}",
            icon=":material/flag:",
            type="primary",
            key="race",
            on_click=actions.race,
            args=(scene.tree, scene.node.id, missing, units),
        ):
            st.rerun()
        st.caption(
            f"{kept.TARGETS} targets of all the classes seen. First, each finds its step sizes on {kept.TUNED_ON} "
            "others, so that none loses for a bad one.",
            width="stretch",
        )


# What came out.


def _came_out(run: Sequence[Heat], units: int, scene: Scene, busy: bool) -> None:
    """busy: others are still racing."""
    results = heats.evidence(run)
    alone = "The first is in; the others are still racing." if busy else "One alone is no race."
    st.html(markup.verdict(findings.layer_by_layer(results) or alone, findings.sentence(results)))
    left, right = st.columns(2, gap="medium")
    for place, against in ((left, "units"), (right, "seconds")):
        with place:
            st.caption(f"**Objective against {against}**, lower is better; both axes logarithmic.")
            figure = charts.objective(results, ink(), against)
            plot(figure, key=f"race-{against}", alt=f"Objective against {against}")
    _images(run, results, units, scene)
    _table(run, results)
    for heat in run:
        if heat.note:
            st.caption(f"“{heat.racer}” has no result. {state.plain(heat.note)}")
    st.caption(_told(run))


def _images(run: Sequence[Heat], results: Evidence, units: int, scene: Scene) -> None:
    """A row a racer, a column a target, at the moment that the slider says."""
    moments = heats.moments(run)
    now = moments[-1]
    if len(moments) > 1:
        name = f"race-moment.{units}.{len(moments)}"
        now = st.select_slider(
            "The images after so many units", moments, value=now, key=state.choice(name), width=420,
            help="Before a racer's refinement begins there is no whole image to look at.",
        )  # fmt: skip
    racing = [heat for heat in run if heat.rows]
    labels = racing[0].labels.tolist()
    sheet = pictures.sheet([heats.at(heat, now) for heat in racing], len(labels), scale=2)
    signs = _signs(results)
    rows = [(signs[heat.racer], heat.racer) for heat in racing]
    top = [(markup.mark(c), scene.node.class_names[c]) for c in labels]
    st.html(markup.beside(rows, top, pictures.data_uri(sheet), "The same targets, one row a racer"))


def _table(run: Sequence[Heat], results: Evidence) -> None:
    signs = _signs(results)
    head = ["", "Objective", "Feature error", "Statistics", "Variety"]
    judged = any(heat.oracle is not None for heat in run)
    head += ["Named rightly"] * judged + ["Units", "Seconds"]
    rows = []
    for heat in sorted((heat for heat in run if heat.rows), key=lambda heat: heat.rows[-1]["objective"]):
        last = heat.rows[-1]
        numbers = [f"{last[n]:.3f}" for n in ("objective", "feature_error", "statistics_error", "pixel_variance")]
        if judged:
            right = last.get("oracle_accuracy")
            numbers.append("–" if right is None else markup.percent(right))
        numbers += [f"{last['units']}", f"{last['seconds']:.1f}"]
        rows.append([f"{signs[heat.racer]} {escape(heat.racer)}", *numbers, escape(_tuned(heat))])
    st.html(markup.table([*head, "Tuned"], rows, tuple(range(1, len(head)))))


def _tuned(heat: Heat) -> str:
    """The settings that were looked for, as far as they matter to who reads them."""
    grid = next((racer.grid for racer in (*RACERS, *CLIP_RACERS) if racer.name == heat.racer), {})
    return ", ".join(f"{SETTINGS[name]} {heat.settings[name]}" for name in grid) or "nothing to tune"


def _signs(results: Evidence) -> dict[str, str]:
    """The symbol of each racer in the charts, as an image."""
    coded = charts.coded(results)
    return {
        name: f'<img class="il-mark" src="{shape_image(code.symbol, code.paint(ink()))}" alt="">'
        for name, code in coded.items()
    }


def _told(run: Sequence[Heat]) -> str:
    judge = next((heat.oracle for heat in run if heat.oracle is not None), None)
    told = (
        "One race of one draw of targets: another may turn round those that are close. The objective: squared error of "
        "the feature relative to the features' variance, mean divergence of the normalisation statistics, and total "
        "variation. Variety: variance of the pixels within a class. "
    )
    if any(heat.racer == OWN for heat in run):
        told += "Your own settings race for this objective too, not for the one they name. "
    if judge is None:
        return told + (
            "No independent network has been trained here, so nobody says what the images show: `python -m cl_core "
            "oracle` trains one, and it will judge later races."
        )
    return told + f"Named rightly: by an independent network, which knows {markup.percent(judge)} of real test images."
