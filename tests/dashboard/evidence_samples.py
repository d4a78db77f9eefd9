"""Results as the commands write them, with invented numbers: for tests only."""

import json
from pathlib import Path

import numpy as np

# strategy → final accuracy under its own head, under LDA, data-free, bytes, seconds to learn and to invert
STRATEGIES = {
    "finetune": (0.198, 0.55, True, 0, 2.0, 0.0),
    "lwf": (0.205, 0.60, True, 0, 2.3, 0.0),
    "deepinversion": (0.41, 0.70, True, 9_400_000, 6.1, 4.2),
    "pmi": (0.676, 0.815, True, 13_600_000, 6.2, 3.6),
    "pmi-cfs": (0.681, 0.816, True, 13_600_000, 6.2, 5.1),
    "gaussians": (0.822, 0.822, True, 13_200_000, 0.7, 0.0),
    "replay": (0.66, 0.80, False, 156_800, 5.9, 0.0),
    "joint": (0.862, 0.85, False, 3_920_000, 21.0, 0.0),
}
RACERS = {"the paper's PMI": 33, "layer groups, decoder starts": 2, "one group, decoder start": 1, "noise, Adam": 1}
UNITS = (10, 20, 50, 100, 200, 400)
CHANGES = {
    "as it is": 0.0, "no layer-wise inversion": -0.004, "targets: cfs": 0.008, "class model: diagonal": -0.061,
    "start: residual": 0.0, "groups: layers": -0.012, "iterations a group: 0": -0.006, "blocks a stage: 3": 0.021,
    "read-out: 0": -0.093,
}  # fmt: skip


def compare(seeds: int = 3) -> dict:
    rows = []
    draws = np.random.default_rng(0)
    for seed in range(seeds):
        for name, (final, lda, free, kept, learn, invert) in STRATEGIES.items():
            value = final + 0.012 * draws.standard_normal()
            steps = [float(0.975 + (value - 0.975) * (t / 4) ** 0.7) for t in range(5)]
            linear = value if name != "gaussians" else 0.764
            rows.append(
                {
                    "strategy": name, "seed": seed, "final_accuracy": steps[-1], "forgetting": 0.9 - value,
                    "average_incremental_accuracy": float(np.mean(steps)), "backward_transfer": value - 0.9,
                    "task_given_accuracy": 0.93, "accuracy_after_each_task": steps, "head_linear": linear,
                    "head_refit": (linear + lda) / 2, "head_lda": lda + 0.004 * draws.standard_normal(),
                    "seconds_learn": learn, "seconds_invert": invert, "kept_bytes": kept, "data_free": free,
                    "validation_final_accuracy": value, "leaf": "0",
                }
            )  # fmt: skip
            if name == "gaussians":
                rows[-1]["head_lda"] = rows[-1]["final_accuracy"]
    return about("compare", {"learn": {"strategy": "pmi"}}) | {"rows": rows}


def race(seeds: int = 3) -> dict:
    draws = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        for i, (racer, layers) in enumerate(RACERS.items()):
            for units in UNITS:
                slow = (4.0, 1.1, 1.0, 2.6)[i]
                objective = 0.014 + slow * 0.5 / units ** (0.7, 1.0, 1.0, 0.8)[i]
                noise = np.exp(0.05 * draws.standard_normal(2))
                seen = (0.2, 0.9, 0.92, 0.3)[i] + 0.1 * np.log10(units) * (i in (0, 3))
                rows.append(
                    {
                        "racer": racer, "layers": layers, "seed": seed, "units": units,
                        "seconds": 0.12 * units + (i == 1), "objective": float(objective * noise[0]),
                        "feature_error": 0.1, "statistics_error": 0.1, "oracle_accuracy": float(min(0.98, seen)),
                        "pixel_variance": float((0.05, 0.03, 0.028, 0.045)[i] * noise[1]),
                    }
                )  # fmt: skip
    facts = {"oracle": {"trained_on": "all the training images", "accuracy": 0.93}, "units": list(UNITS)}
    return about("race", {}) | facts | {"rows": rows}


def ablate(seeds: int = 3) -> dict:
    draws = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        level = 0.68 + 0.02 * draws.standard_normal()
        for name, change in CHANGES.items():
            value = float(level + change + 0.008 * draws.standard_normal())
            lda = float(0.815 + change / 8 + 0.003 * draws.standard_normal())
            rows.append(
                {"variant": name, "strategy": "pmi", "seed": seed, "final_accuracy": value, "head_linear": value}
                | {"head_refit": lda - 0.05, "head_lda": lda, "data_free": True}
            )
    return about("ablate", {}) | {"rows": rows}


def about(kind: str, base: dict) -> dict:
    return {
        "kind": kind,
        "command": f"python -m cl_core {kind} --preset demo --seeds 0 1 2",
        "split": "test",
        "versions": {"torch": "2"},
        "base": base,
    }


def written(folder: Path) -> Path:
    """All three in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for made in (compare(), race(), ablate()):
        (folder / f"{made['kind']}.json").write_text(json.dumps(made), encoding="utf-8")
    return folder
