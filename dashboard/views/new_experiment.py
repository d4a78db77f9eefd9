"""The form of a new experiment: what is learned, which network, which seed; everything else can change at any step."""

from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from cl_core import datasets, presets
from cl_core.config import Config, NetworkConfig
from cl_core.datasets import DataError
from dashboard import asking, forms, markup, state, work
from dashboard.views import actions
from dashboard.views.data import increment

WHAT = [
    ("stream", "data"),
    ("stream", "scenario"),
    ("stream", "increment"),
    ("stream", "class_order"),
    ("stream", "train_per_class"),
]
TASKS = [("stream", "first"), ("stream", "tasks"), ("stream", "order")]
NETWORK = {
    "resnet": [("network", "blocks"), ("network", "width"), ("network", "pool"), ("network", "stem_stride")],
    "clip": [("network", "clip"), ("network", "checkpoint"), ("network", "adapter")],
}
PRESET_OF = {"resnet": state.DEFAULT_PRESET, "clip": "clip-demo"}  # what a backbone begins with
SEED = ("machine", "seed")
SMALL = "small-clip"  # its weights come with the program


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
        "lab for one, quick: shorter, quality: longer; clip-demo: a small CLIP that learns in adapters; "
        "paper-cifar100: the published experiment, for a GPU. Every setting of a step can still be changed before that "
        "step.",
    )
    columns = st.columns(2, gap="large")
    backbone = config.network.backbone
    for column, names in zip(columns, ([*WHAT, ("learn", "strategy")], [*NETWORK[backbone], SEED]), strict=True):
        with column:
            if names[-1] == SEED:
                _backbone(config.network)
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
    fetch = _may_fetch(config)
    _choices(config, base, preset)
    for sentence in state.notices():
        st.warning(sentence, icon=":material/info:")
    if st.button(
        "Create the experiment",
        type="primary",
        width="stretch",
        key="create",
        on_click=actions.begin,
        args=(config, preset, fetch),
    ):
        st.rerun()  # the dialog closes


def _backbone(network: NetworkConfig) -> None:
    backbone = network.backbone
    f = forms.spec("network", "backbone")
    st.segmented_control(
        f.metadata["label"],
        f.metadata["options"],
        key=state.widget("new-backbone", backbone),
        format_func=forms.in_words,
        required=True,
        on_change=_take_backbone,
        help=f"{f.metadata['help']} Each brings a preset of its own.",
    )
    if backbone == "clip":
        st.caption("It names classes by words before it learns; how well is shown as soon as the experiment is made.")


def _may_fetch(config: Config) -> bool:
    """Whether weights may come over the internet: asked where a checkpoint is named that is no file on this computer.

    No address can answer it.
    """
    network = config.network
    named = network.checkpoint not in ("", "random") and not _is_file(network.checkpoint)
    if network.backbone != "clip" or network.clip == SMALL or not named:
        return False
    st.info(
        f"“{state.plain(network.checkpoint)}” is no file on this computer. If it is one of the pretrained tags of "
        f"{state.plain(network.clip)}, its weights have to be fetched once over the internet: some hundred megabytes "
        "for ViT-B-32, up to several gigabytes for others.",
        icon=":material/cloud_download:",
    )
    return st.toggle(work.FETCH, key=f"may-fetch-{network.clip}-{network.checkpoint}")


def _is_file(name: str) -> bool:
    try:
        return Path(name).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):  # no name that a file can have
        return False


def _choices(config: Config, base: Config, preset: str) -> None:
    """What is kept and what is made: the choices that say what the method is, each in one sentence."""
    overrides = forms.changes(Config(), base)
    with st.expander(f"What the preset {preset} overrides ({len(overrides)} settings)"):
        rows = [[label, escape(before), f"<b>{escape(after)}</b>"] for _, _, label, before, after in overrides]
        st.html(markup.table(["Setting", "The paper", f"Preset {preset}"], rows))


def _take_preset() -> None:
    """Take another preset; the images stay, with what belongs to them."""
    _begin_with(state.widget_value("new-preset"))


def _take_backbone() -> None:
    _begin_with(PRESET_OF[state.widget_value("new-backbone")])


def _begin_with(name: str) -> None:
    before = state.new_config().stream
    own = presets.PRESETS[name].get("stream", {})
    belongs = () if "data" in own else ("data", "scenario", "increment", *(field for _, field in TASKS))
    kept = {field: getattr(before, field) for field in belongs}
    state.set_new(_suited(presets.preset(name).override({"stream": kept | own})), name)


def _change(section: str, field: str, value: Any) -> None:
    config, preset = state.new_config(), state.new_preset()
    changed = work.with_setting(config, presets.preset(preset), section, field, value)
    if (section, field) == ("stream", "data"):
        changed = _suited(changed.override({"stream": {"order": (), "first": 0} | _shares(value)}))
    state.set_new(changed, preset)


def _shares(data: str) -> dict[str, int]:
    """Classes a task, and no limit of tasks, for other data; nothing where it cannot be read, which is told later."""
    try:
        return {"increment": increment(len(datasets.load(data).class_names)), "tasks": 0}
    except DataError:
        return {}


def _suited(config: Config) -> Config:
    """The config without the classes whose names the small CLIP cannot read, where it is to learn those."""
    stream, network = config.stream, config.network
    asked = (network.backbone, network.clip, stream.data) == ("clip", "small-clip", "emoji-concepts")
    if not asked or stream.order:
        return config
    readable = asking.readable_classes()
    state.tell(
        f"The small CLIP can read the names of {len(readable)} of these classes; the others are left out. Which they "
        "are is said under “Which classes, and how many tasks”; keywords stand for any other that you list there."
    )
    return config.override({"stream": {"order": readable, "increment": increment(len(readable))}})
