"""Named settings. The defaults of config.py are the paper's; a preset lists only what it overrides."""

from typing import Any

from cl_core.config import Config, ConfigError

Overrides = dict[str, dict[str, Any]]

# The paper's settings (the defaults) on the demo's small network, and shorter, so that a laptop can run them. What
# belongs to the method stays as it is: strategy, losses, step sizes, 50 iterations a layer and 160 of refinement.
PAPER: Overrides = {
    "stream": {"train_per_class": 500},
    "network": {"blocks": 1, "stem_stride": 2},  # 4 layers for ResNet-32's 16, on a quarter of the positions
    # a tenth of 200 epochs of the first task, and of 20 + 20 + 120 + 40 of each later one
    "learn": {"epochs_first": 20, "head_epochs": 2, "stage_epochs": 2, "epochs": 12, "balance_epochs": 4},
    "invert": {"images_per_class": 40},  # for 300, as there are fewer real images a task
}

# The paper's experiment: CIFAR-100 on ResNet-32 (METHOD.md §7). For a GPU.
PAPER_CIFAR100: Overrides = {
    "stream": {"data": "cifar-100", "increment": 20, "class_order": "shuffled", "train_per_class": 500},
    "invert": {"images_per_class": 270},
    "machine": {"precision": "bfloat16"},
}

# What a number of tasks changes in it. The paper makes 6,000 images and 5,000 more for each further task (5 tasks), or
# 3,000 and 2,000 (10 tasks); one number a class here, which gives as many in all over the stream. 20 tasks: as ten.
CIFAR100_BY_TASKS: dict[int, Overrides] = {
    5: {"stream": {"increment": 20}, "invert": {"images_per_class": 270}},
    10: {"stream": {"increment": 10}, "invert": {"images_per_class": 220}},
    20: {"stream": {"increment": 5}, "invert": {"images_per_class": 220}},
}

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
        "class_model": "low-rank",
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


# A small CLIP that has met most of these clothes before and four of them never: adapters learn, the towers stay
CLIP_DEMO: Overrides = {
    "stream": {"train_per_class": 100},
    "network": {"backbone": "clip"},
    "learn": {
        "strategy": "pmi",
        "optimiser": "adamw",
        "epochs_first": 6,
        "epochs": 6,
        "head_epochs": 0,
        "stage_epochs": 0,
        "balance_epochs": 0,
        "lr_first": 0.002,
        "lr": 0.002,
        "schedule": "cosine",
        "batch_size": 64,
        "weight_decay": 0.01,
        "shift": 1,
        "label_smoothing": 0.1,
        "local_ce": 1.0,
        "hard_kd": 2.0,
        "text_kd": 1.0,
        "relational_kd": 0.0,
        "balance": 2.0,
        "class_model": "low-rank",
        "drift": "affine",
    },
    "invert": {
        "synthetic": "keep",
        "images_per_class": 32,
        "groups": "layers",
        "start": "decoder",
        "optimiser": "lbfgs",
        "layer_units": "deviation",
        "iterations_per_layer": 5,
        "full_iterations": 35,
        "alpha": 0.0,
        "distance": "cosine",
        "tv": 0.3,
        "pixels": "dct",
        "selection": "random",
    },
}


def _beyond(base: Overrides, further: Overrides) -> Overrides:
    """The overrides of both; where both name a setting, the further one counts."""
    return {section: base.get(section, {}) | further.get(section, {}) for section in base | further}


PRESETS: dict[str, Overrides] = {
    "paper": PAPER,
    "quick": _beyond(DEMO, QUICK),
    "demo": DEMO,
    "quality": _beyond(DEMO, QUALITY),
    "clip-demo": CLIP_DEMO,
    "paper-cifar100": PAPER_CIFAR100,
}
DEFAULTS = "defaults"  # names the settings without any preset, for a command that lists all that differs from them
FOR_A_GPU = frozenset({"paper-cifar100"})
BY_TASKS = {"paper-cifar100": CIFAR100_BY_TASKS}


def preset(name: str, tasks: int | None = None) -> Config:
    """The config of a preset, for so many tasks where the preset has a say in that. Raises ConfigError."""
    if name == DEFAULTS:
        return Config()
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r}; allowed are {', '.join(PRESETS)} and {DEFAULTS}.")
    config = Config().override(PRESETS[name])
    if tasks is None or name not in BY_TASKS:
        return config
    if tasks not in BY_TASKS[name]:
        raise ConfigError(f"--tasks is {tasks}; the preset {name} is for {', '.join(map(str, BY_TASKS[name]))} tasks.")
    return config.override(BY_TASKS[name][tasks])
