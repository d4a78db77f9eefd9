"""What do I do next: one primary button with the time it will take, four controls, and the rest folded."""

from html import escape

import streamlit as st

from cl_core import presets
from cl_core.config import Config
from dashboard import estimate, forms, library, markup, state, teaching, work
from dashboard.views import actions, new_experiment
from dashboard.views.door import come_in
from dashboard.views.scene import Scene


def verb(scene: Scene) -> str | None:
    """What one's own experiment does next; None: it is at its end, or it is the example."""
    if scene.tree.is_example:
        return None
    return work.next_verb(scene.node, state.settings(scene.node).learn.strategy)


def panel(scene: Scene) -> None:
    """The next step of one's own experiment; of the example, and at the end of a stream, what else there is to do."""
    if scene.tree.is_example:
        _example()
        return
    config, next_verb = state.settings(scene.node), verb(scene)
    with st.container(border=True, key="next" if next_verb else "next-words"):
        st.markdown("#### What next?", anchors=False)
        if next_verb is None:
            _end(scene, config)
        else:
            _own(scene, config, next_verb)


def _example() -> None:
    """In one line, so that the first screen has room for what it shows."""
    words, door = st.columns([2.6, 1], vertical_alignment="center", gap="large")
    words.markdown("**What next?** Walk along the steps of this finished example; then steer one of your own.")
    if door.button("Start an experiment of your own", type="primary", width="stretch", key="own"):
        come_in(new_experiment.dialog)


def _own(scene: Scene, config: Config, verb: str) -> None:
    """Beside the charts, one thing below another; as long as there are none, there is more room."""
    narrow = scene.node.tasks_learned > 0
    left, right = (st.container(), st.container()) if narrow else st.columns([1, 2.6], gap="medium")
    with left:
        _buttons(scene, config, verb)
    with right:
        base_name = state.preset_name()
        base = presets.preset(base_name)
        names = forms.front(verb, scene.node.tasks_learned, config)
        with st.container(key="front"):
            columns = st.columns(1 if narrow else 2, gap="medium")
            with columns[0]:
                _strategy(config)
            for i, (section, field) in enumerate(names, 1):
                with columns[i % len(columns)]:
                    value = getattr(getattr(config, section), field)
                    forms.control(
                        section,
                        field,
                        value,
                        state.heard(actions.change),
                        prefix="front",
                        base=base,
                        base_name=base_name,
                        slider=True,
                    )
        _trials(config, base)
        _rest(config, base, base_name, 1 if narrow else 3)


def _end(scene: Scene, config: Config) -> None:
    """Nothing is left to learn: what there is to try, and the control that shows what replay was good for."""
    words, door = st.columns([2.6, 1], vertical_alignment="center", gap="large")
    words.markdown(
        "**Every task is learned.** Go back to an earlier step above, change a setting there and learn or invert "
        "again: a branch grows beside this one."
    )
    if "finetune" not in {scene.record.get("strategy"), *(leaf.record.get("strategy") for leaf in scene.beside())}:
        root = scene.tree.path(scene.node.id)[0]
        plain = work.with_setting(config, config, "learn", "strategy", "finetune")
        expected = estimate.plan(root, plain, work.remaining(root, "finetune"), library.experience())
        time = "" if None in expected else f" · {estimate.in_words(sum(seconds or 0.0 for seconds in expected))}"
        door.button(
            f"Run the same without replay{time}",
            type="primary",
            width="stretch",
            key="without-replay",
            on_click=actions.run_beside,
            args=(root, plain, expected),
        )


def _buttons(scene: Scene, config: Config, verb: str) -> None:
    node, strategy = scene.node, config.learn.strategy
    steps = work.remaining(node, strategy)
    expected = estimate.plan(node, config, steps, library.experience())
    first = estimate.in_words(expected[0])
    size, refusal = estimate.memory_of(node, config, steps[:1])
    st.button(
        f"{work.words(verb, node.tasks_learned)}{f' · {first}' if first else ''}",
        type="primary",
        width="stretch",
        key="advance",
        on_click=actions.advance,
        args=(node, config, False, expected[:1]),
        disabled=refusal is not None,
    )
    if refusal is not None:
        st.error(refusal, icon=":material/memory:")
    elif len(expected) > 1:
        known_all = None if None in expected else estimate.in_words(sum(seconds or 0.0 for seconds in expected))
        st.button(
            f"Run to the end{f' · {known_all}' if known_all else ''}",
            width="stretch",
            key="to-the-end",
            on_click=actions.advance,
            args=(node, config, True, expected),
        )
    if size and refusal is None:
        st.caption(f"Takes up to about {size} of memory.")
    children = scene.tree.children(node.id)
    if children:
        st.caption(
            "This step was taken before. With the same settings it appears at once; with others, a branch grows."
        )


def _strategy(config: Config) -> None:
    forms.control(
        "learn",
        "strategy",
        config.learn.strategy,
        state.heard(actions.change),
        prefix="front",
        base=config,
        base_name="",
        slider=True,
    )


def _trials(config: Config, base: Config) -> None:
    """Trials that teach, a click each; what to look for is said of those that are on, and under the others' pointer."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="trials"):
        st.caption("Try and see:", width="content")
        for trial in teaching.offered(base):
            on = teaching.is_on(trial, config)
            st.button(
                trial.title,
                icon=":material/check:" if on else ":material/science:",
                key=f"trial-{trial.name}",
                help="Click again to go back to the preset's settings." if on else trial.look_for,
                on_click=actions.leave_trial if on else actions.take_trial,
                args=(trial,),
            )
    for trial in teaching.offered(base):
        if teaching.is_on(trial, config):
            st.html(markup.note(trial.look_for, trial.title))


def _rest(config: Config, base: Config, base_name: str, side_by_side: int) -> None:
    """What differs from the preset, each with a way back; all the other settings; what the preset overrides."""
    changed = [row for row in forms.changes(base, config) if row[0] in state.STEP_SECTIONS]
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="changed"):
        st.caption(_summary(base_name, len(changed)), width="content")
        for section, field, label, before, after in changed:
            st.button(
                f"{label}: {before} → **{after}**",
                icon=":material/undo:",
                key=f"undo-{section}-{field}",
                help=f"Back to {before}.",
                type="tertiary",
                on_click=actions.change,
                args=(section, field, getattr(getattr(base, section), field)),
            )
        if len(changed) > 1:
            st.button(
                "Reset all",
                icon=":material/restart_alt:",
                key="reset-all",
                help=f"All the settings as the preset {base_name} has them.",
                type="tertiary",
                on_click=state.take,
                args=(base,),
            )
    with st.expander("All settings", icon=":material/tune:"):
        groups = forms.groups(state.STEP_SECTIONS, config)
        group = st.segmented_control(
            "The question they answer", list(groups), default="How long", required=True, key=state.choice("group")
        )
        columns = st.columns(side_by_side, gap="medium")
        for i, (section, field) in enumerate(groups[group or "How long"]):
            with columns[i % side_by_side]:
                value = getattr(getattr(config, section), field)
                forms.control(
                    section, field, value, state.heard(actions.change), prefix="all", base=base, base_name=base_name
                )
    overrides = forms.changes(Config(), config)
    with st.expander(f"What differs from the paper ({len(overrides)} settings)", icon=":material/difference:"):
        rows = [[label, escape(before), f"<b>{escape(after)}</b>"] for _, _, label, before, after in overrides]
        st.html(markup.table(["Setting", "The paper", "Here"], rows))


def _summary(base_name: str, changed: int) -> str:
    if not changed:
        return f"Settings: preset **{base_name}**, unchanged."
    return f"Settings: preset **{base_name}** with {changed} change{'s' if changed > 1 else ''}:"
