"""Named settings. The defaults of config.py are the paper's; a preset lists only what it overrides."""

from typing import Any

from cl_core.config import Config, ConfigError

Overrides = dict[str, dict[str, Any]]

# the best found on validation images for a small network that learns and inverts a task in seconds
DEMO: Overrides = {
    "stream": {"train_per_class": 500},
    "network": {"blocks": 1, "activation": "silu", "pool": 3, "stem_stride": 2},
    "learn": {
        "strategy": "pmi",
        "epochs_first": 10,
        "epochs": 4,
        "head_epochs": 0,
        "stage_epochs": 0,
        "balance_epochs": 10,
        "lr_first": 0.1,
        "lr": 0.02,
        "schedule": "cosine",
        "shift": 1,
        "noise": 0.7,
        "hard_kd": 1.0,
        "feature_kd": 1.0,
        "local_ce": 0.75,
        "readout": 3.0,
        "class_model": "full",
        "drift": "affine",
    },
    "invert": {
        "synthetic": "keep",
        "images_per_class": 40,
        "groups": "halves",
        "start": "decoder",
        "optimiser": "lbfgs",
        "iterations_per_layer": 10,
        "layer_alpha": 1.0,
        "full_iterations": 50,
        "alpha": 0.5,
        "input_alpha": 0.5,
        "norm_targets": "measured",
        "distance": "mahalanobis",
        "label_weight": 0.2,
        "tv": 0.5,
        "pixels": "dct",
        "target_spread": 0.6,
        "selection": "random",
        "cfs_pooled": True,
        "cfs_epochs": 20,
    },
}

# fewer images and shorter runs than the demo: a few seconds a task
QUICK: Overrides = {
    "stream": {"train_per_class": 200},
    "learn": {"epochs_first": 8},
    "invert": {"images_per_class": 20, "full_iterations": 25},
}

# all the images and longer runs than the demo
QUALITY: Overrides = {
    "stream": {"train_per_class": 1000},
    "learn": {"epochs_first": 20, "epochs": 6},
    "invert": {"images_per_class": 80, "full_iterations": 80},
}


def _beyond(base: Overrides, further: Overrides) -> Overrides:
    """The overrides of both; where both name a setting, the further one counts."""
    return {section: base.get(section, {}) | further.get(section, {}) for section in base | further}


PRESETS: dict[str, Overrides] = {
    "paper": {},
    "quick": _beyond(DEMO, QUICK),
    "demo": DEMO,
    "quality": _beyond(DEMO, QUALITY),
}


def preset(name: str) -> Config:
    """The config of a preset. Raises ConfigError when there is none of that name."""
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r}; allowed are {', '.join(PRESETS)}.")
    return Config().override(PRESETS[name])
