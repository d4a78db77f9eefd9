"""The heats of a snapshot as results to draw, and their images side by side. Pure."""

from collections.abc import Sequence

import numpy as np

from cl_core import heats
from cl_core.config import NetworkConfig
from cl_core.files import Files
from cl_core.heats import Heat
from cl_core.racers import Racer, of_network
from dashboard.evidence import Evidence

MEASURES = ("objective", "feature_error", "statistics_error", "oracle_accuracy", "pixel_variance")
BUDGETS = (20, 50, 100, 200)  # units to choose from


def field(own: Racer, network: NetworkConfig) -> dict[str, Racer]:
    """Who may race on a network, by name; own: the person's settings."""
    return {racer.name: racer for racer in (*of_network(network), own)}


def found(places: Sequence[Files], node_id: str, racers: Sequence[Racer], units: int) -> list[Heat]:
    """The heats that there are, in the order of the racers; of several stores the first that has it."""
    there = []
    for racer in racers:
        name = heats.name_of(node_id, racer, units)
        read = (heats.read(files, name) for files in places if files.made(name) is not None)
        there += [next((heat for heat in read if heat is not None), None)]
    return [heat for heat in there if heat is not None]


def evidence(run: Sequence[Heat]) -> Evidence:
    """The rows of those heats that have any."""
    rows = [
        {"racer": heat.racer, "seed": 0, "layers": heat.groups, "units": row["units"], "seconds": row["seconds"]}
        | {name: row.get(name) for name in MEASURES}
        for heat in run
        for row in heat.rows
    ]
    judge = next((heat.oracle for heat in run if heat.oracle is not None), None)
    facts = {"seconds": "processor seconds, fits included"} | ({} if judge is None else {"oracle": {"accuracy": judge}})
    return Evidence("race", facts, tuple(rows))


def moments(run: Sequence[Heat]) -> list[int]:
    """The units at which at least one of them was looked at."""
    return sorted({row["units"] for heat in run for row in heat.rows})


def at(heat: Heat, units: int) -> np.ndarray:
    """The images (n, h, w, c) of a heat after so many units; none before its refinement began."""
    there = [i for i, row in enumerate(heat.rows) if row["units"] <= units]
    images = heat.images[there[-1]] if there else heat.images[:0].reshape(0, *heat.images.shape[2:])
    return images.transpose(0, 2, 3, 1)
