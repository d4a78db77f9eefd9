"""The form of a new experiment: what is learned, which network, which seed; everything else can change at any step."""

from html import escape
from typing import Any

import streamlit as st

from cl_core import datasets, presets
from cl_core.config import Config
from dashboard import forms, markup, state, work
from dashboard.views import actions

WHAT = [
    ("stream", "data"),
    ("stream", "scenario"),
    ("stream", "increment"),
    ("stream", "class_order"),
    ("stream", "train_per_class"),
]
TASKS = [("stream", "first"), ("stream", "tasks"), ("stream", "order")]
NETWORK = [("network", "blocks"), ("network", "width"), ("network", "pool"), ("network", "stem_stride")]
SEED = ("machine", "seed")


@st.dialog("New experiment", width="large")
def dialog() -> None:
    """Draw the form; its button starts the experiment and closes it."""
    config, preset = state.new_config(), state.new_preset()
    base = presets.preset(preset)
    st.segmented_control(
        "Preset",
        list(presets.PRESETS),
        key=state.widget("new-preset", preset),
        required=True,
        on_change=_take_preset,
        help="Where all the settings start. paper: the published settings on a small network; demo: the best of this "
        "lab for one, quick: shorter, quality: longer; paper-cifar100: the published experiment, for a GPU. Every "
        "setting of a step can still be changed before that step.",
    )
    columns = st.columns(2, gap="large")
    for column, names in zip(columns, ([*WHAT, ("learn", "strategy")], [*NETWORK, SEED]), strict=True):
        with column:
            for section, field in names:
                if field == "scenario" and not datasets.may_have_domains(config.stream.data):
                    continue
                value = getattr(getattr(config, section), field)
                forms.control(section, field, value, _change, prefix="new", base=base, base_name=preset)
    with st.expander("Which classes, and how many tasks"):
        st.caption("At 0, the first task is like the others, and there are as many tasks as there can be.")
        for column, (section, field) in zip(st.columns(len(TASKS), gap="medium"), TASKS, strict=True):
            with column:
                value = getattr(getattr(config, section), field)
                forms.control(section, field, value, _change, prefix="new", base=base, base_name=preset)
    _choices(config, base, preset)
    for sentence in state.notices():
        st.warning(sentence, icon=":material/info:")
    if st.button(
        "Create the experiment",
        type="primary",
        width="stretch",
        key="create",
        on_click=actions.begin,
        args=(config, preset),
    ):
        st.rerun()  # the dialog closes


def _choices(config: Config, base: Config, preset: str) -> None:
    """What is kept and what is made: the choices that say what the method is, each in one sentence."""
    overrides = forms.changes(Config(), base)
    with st.expander(f"What the preset {preset} overrides ({len(overrides)} settings)"):
        rows = [[label, escape(before), f"<b>{escape(after)}</b>"] for _, _, label, before, after in overrides]
        st.html(markup.table(["Setting", "The paper", f"Preset {preset}"], rows))


def _take_preset() -> None:
    """Take another preset; the images stay, with what belongs to them."""
    name, before = state.widget_value("new-preset"), state.new_config().stream
    own = presets.PRESETS[name].get("stream", {})
    belongs = () if "data" in own else ("data", "scenario", "increment", *(field for _, field in TASKS))
    kept = {field: getattr(before, field) for field in belongs}
    state.set_new(presets.preset(name).override({"stream": kept | own}), name)


def _change(section: str, field: str, value: Any) -> None:
    config, preset = state.new_config(), state.new_preset()
    state.set_new(work.with_setting(config, presets.preset(preset), section, field, value), preset)
