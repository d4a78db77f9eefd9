"""A config dataclass → widgets → a config dataclass; labels, help, ranges and groups come from the fields."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from cl_core import datasets, strategies
from cl_core.config import Config, differences
from dashboard import state

Change = Callable[[str, str, Any], None]  # section, field, new value; raises ConfigError

WORDS = {
    "silu": "SiLU", "relu": "ReLU", "mse": "MSE", "cpu": "CPU", "cuda": "CUDA", "mps": "MPS", "lda": "LDA",
    "lbfgs": "L-BFGS", "adam": "Adam", "dct": "DCT", "cfs": "CFS", "resnet": "ResNet", "clip": "CLIP", "sgd": "SGD",
    "adamw": "AdamW", "patch-embedding": "patch embedding",
}  # fmt: skip
WORDS |= {name: strategies.get(name).title for name in strategies.names()}
WORDS |= {name: datasets.title(name) for name in datasets.NAMES}


# Settings that mean something with one backbone only.
ONLY = {
    "resnet": {
        ("network", "width"), ("network", "blocks"), ("network", "activation"), ("network", "pool"),
        ("network", "stem_stride"), ("invert", "norm_targets"), ("invert", "cfs_pooled"),
    },
    "clip": {
        ("network", "clip"), ("network", "checkpoint"), ("network", "adapter"), ("learn", "text_kd"),
        ("invert", "stop"),
    },
}  # fmt: skip


WEIGHTS = frozenset[str]().union(*(strategies.get(name).weights for name in strategies.names()))


def matters(section: str, field: str, config: Config) -> bool:
    """Whether a setting means something with the backbone and the strategy of a config."""
    if section == "learn" and field in WEIGHTS and field not in strategies.get(config.learn.strategy).weights:
        return False
    return not any((section, field) in of for backbone, of in ONLY.items() if backbone != config.network.backbone)


def options(section: str, field: str, value: Any) -> tuple[Any, ...]:
    """What may be chosen for a setting that is chosen from a list; () for others."""
    if (section, field) == ("stream", "data"):
        known = datasets.available()
        return known if value in known else (*known, value)  # a folder of one's own
    if (section, field) == ("learn", "strategy"):
        return tuple(strategies.names())
    return tuple(spec(section, field).metadata["options"])


def spec(section: str, field: str) -> dataclasses.Field[Any]:
    """The dataclass field of a setting."""
    return next(f for f in dataclasses.fields(getattr(Config(), section)) if f.name == field)


def front(verb: str, tasks_learned: int, config: Config) -> list[tuple[str, str]]:
    """The settings in front of the next step that matter: at most four."""
    if verb == "learn" and tasks_learned == 0:
        return [("learn", "epochs_first"), ("learn", "statistics")]
    fields = dataclasses.fields(getattr(Config(), verb))
    return [(verb, f.name) for f in fields if f.metadata["front"] and matters(verb, f.name, config)][:4]


def groups(sections: Iterable[str], config: Config) -> dict[str, list[tuple[str, str]]]:
    """The settings of those sections that matter, by the question that they answer, in the order of config.py."""
    found: dict[str, list[tuple[str, str]]] = {}
    for section in sections:
        for f in dataclasses.fields(getattr(Config(), section)):
            if (section, f.name) != ("learn", "strategy") and matters(section, f.name, config):
                found.setdefault(f.metadata["group"], []).append((section, f.name))
    return found


def in_words(value: Any) -> str:
    """A setting's value, for reading."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none listed"
    if isinstance(value, str):
        if not value or (not value.startswith(datasets.FOLDER) and {"/", "\\"} & set(value)):
            return value or "none named"  # a file is called as it is
        return WORDS.get(value) or datasets.title(value).replace("_", " ")
    return f"{value:g}" if isinstance(value, float) else f"{value:,}".replace(",", "\u202f")


def help_text(section: str, field: str, base: Config | None = None, base_name: str = "") -> str:
    """What a setting is, its range, the paper's value and the preset's."""
    f = spec(section, field)
    parts = [f.metadata["help"]]
    if f.metadata["low"] is not None:
        parts.append(f"From {f.metadata['low']:g} to {f.metadata['high']:g}.")
    standards = [] if (section, field) in ONLY["clip"] else [f"The paper: {in_words(f.default)}"]  # which has no such
    if base is not None and base_name:
        standards.append(
            f"{'p' if standards else 'P'}reset {base_name}: {in_words(getattr(getattr(base, section), field))}"
        )
    return " ".join(parts) + (f"  \n{'; '.join(standards)}." if standards else "")


def ladder(low: float, high: float, whole: bool, *extra: float) -> list[float]:
    """Round values from low to high (1, 2, 3, 5, 7 of each power of ten), with `extra` ones among them."""
    rungs = {low, high, *extra}
    for power in range(-4, 7):
        rungs |= {digit * 10.0**power for digit in (1, 1.5, 2, 3, 4, 5, 7)}
    allowed = {round(r, 10) for r in rungs if low <= r <= high and (not whole or float(r).is_integer())}
    smallest = min((abs(value) for value in extra if value), default=high) / 20
    kept = sorted(value for value in allowed if value == low or value >= smallest)
    return [int(value) for value in kept] if whole else kept


def control(
    section: str,
    field: str,
    value: Any,
    change: Change,
    *,
    prefix: str,
    base: Config,
    base_name: str,
    slider: bool = False,
) -> None:
    """The widget of one setting, showing `value`; whatever a person picks is handed to `change`.

    slider: in front, where there is room: a slider of round numbers, and under a choice the sentence on what it means.
    """
    f, name = spec(section, field), f"{prefix}.{section}.{field}"
    meta, whole, paper = f.metadata, isinstance(f.default, int), getattr(Config(), section)
    common: dict[str, Any] = {
        "help": help_text(section, field, base, base_name),
        "on_change": _changed,
        "args": (section, field, name, change),
    }
    choices = options(section, field, value)
    if choices:
        key = state.widget(name, value)
        if sum(len(in_words(choice)) for choice in choices) > 44:
            st.selectbox(meta["label"], choices, key=key, format_func=in_words, **common)
        else:
            st.segmented_control(meta["label"], choices, key=key, format_func=in_words, required=True, **common)
        if slider:
            st.caption(strategies.describe(value) if field == "strategy" else meta["help"])
    elif isinstance(f.default, bool):
        st.toggle(meta["label"], key=state.widget(name, value), **common)
    elif isinstance(f.default, tuple):
        st.text_input(
            meta["label"], key=state.widget(name, state.as_text(value)), placeholder="for example 3 1 2", **common
        )
    elif isinstance(f.default, str):
        st.text_input(meta["label"], key=state.widget(name, value), **common)
    elif slider:
        rungs = ladder(
            meta["low"], meta["high"], whole, value, getattr(paper, field), getattr(getattr(base, section), field)
        )
        st.select_slider(meta["label"], rungs, key=state.widget(name, value), format_func=in_words, **common)
    else:
        step = meta["step"] or _step(max(value, f.default))
        low, high, step = (int(v) if whole else float(v) for v in (meta["low"], meta["high"], step))
        shown = state.widget(name, value if whole else float(value))
        st.number_input(meta["label"], low, high, key=shown, step=step, format=None if whole else "%g", **common)


def _step(value: float) -> float:
    """A tenth of a value's power of ten."""
    return float(f"{value / 10:.0e}") if value else 0.1


def _changed(section: str, field: str, name: str, change: Change) -> None:
    value = state.widget_value(name)
    default = spec(section, field).default
    if isinstance(default, tuple):
        value = state.parse(value, default)
    elif isinstance(default, float):
        value = float(value)
    try:
        change(section, field, value)
    except ValueError as error:
        state.tell(str(error))


def changes(base: Config, config: Config) -> list[tuple[str, str, str, str, str]]:
    """(section, field, label, value in base, value in config) of each setting in which two configs differ, in words.

    Without those that mean nothing with the second one's backbone.
    """
    rows = []
    for section, field, before, after in differences(base, config):
        if not matters(section, field, config):
            continue
        rows.append((section, field, spec(section, field).metadata["label"], in_words(before), in_words(after)))
    return rows
