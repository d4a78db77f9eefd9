"""Trials that teach: settings to take over with one click, and what to look for. Plain data and pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cl_core import strategies
from cl_core.config import Config

Overrides = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Trial:
    """A few settings that belong together. strategy: one to take, with what it needs; empty: the one there is."""

    name: str
    title: str
    look_for: str  # one sentence
    strategy: str = ""
    overrides: Overrides = field(default_factory=lambda: MappingProxyType({}))


TRIALS = (
    Trial(
        "no-replay",
        "No replay",
        "Nothing holds on to the old classes: watch their accuracy fall to almost nothing within the first epoch of "
        "the next task.",
        strategy="finetune",
    ),
    Trial(
        "labels-only",
        "Labels only",
        "Images made from the label alone, from noise: the network is sure of their classes, and yet they look like "
        "noise and their features lie outside the real clouds.",
        overrides={
            "invert": {
                "groups": "whole",
                "start": "gaussian",
                "iterations_per_layer": 0,
                "layer_iterations": (),
                "feature_weight": 0.0,
                "label_weight": 1.0,
                "alpha": 0.0,
                "input_alpha": 0.0,
                "tv": 0.0,
            }
        },
    ),
    Trial(
        "too-fast",
        "Too high a step size",
        "The loss climbs instead of falling, and the run stops with a sentence on the step size: go back to the "
        "preset's and it learns.",
        overrides={"learn": {"lr_first": 10.0, "lr": 10.0}},
    ),
    Trial(
        "cfs",
        "With CFS",
        "Targets are chosen to be diverse: compare the spread of the hollow points, and the accuracy of the old "
        "classes, with plain draws.",
        strategy="pmi-cfs",
    ),
    Trial(
        "no-cfs",
        "No CFS",
        "Targets are plain draws of each class's Gaussian: compare the spread of the hollow points, and the accuracy "
        "of the old classes, with chosen ones.",
        strategy="pmi",
    ),
)


def take(trial: Trial, config: Config) -> Config:
    """The config with a trial's settings."""
    return (strategies.configure(config, trial.strategy) if trial.strategy else config).override(trial.overrides)


def is_on(trial: Trial, config: Config) -> bool:
    """Whether the config has all of a trial's settings."""
    return take(trial, config) == config


def leave(trial: Trial, config: Config, base: Config) -> Config:
    """The config with a trial's settings as the base has them."""
    names = {section: set(values) for section, values in trial.overrides.items()}
    if trial.strategy:
        for needed in (strategies.get(trial.strategy).settings, strategies.get(base.learn.strategy).settings):
            for section, values in needed.items():
                names.setdefault(section, set()).update(values)
        names.setdefault("learn", set()).add("strategy")
    back = {s: {name: getattr(getattr(base, s), name) for name in fields} for s, fields in names.items()}
    return config.override(back)


def offered(base: Config) -> list[Trial]:
    """The trials that would change something of a preset."""
    return [trial for trial in TRIALS if not is_on(trial, base)]
