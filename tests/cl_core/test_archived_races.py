"""Races in an exported run: they go along, and what could not be shown is refused."""

import io
import shutil

import numpy as np
import pytest

from cl_core import archive, heats
from cl_core.heats import Heat
from cl_core.racers import RACERS
from cl_core.store import Store
from tests.cl_core.test_archive import refused

UNITS = 50
ROW = {"seconds": 0.2, "objective": 0.3, "feature_error": 0.2, "statistics_error": 0.1, "pixel_variance": 0.05}


def raced(**changes) -> Heat:
    """A heat of two moments, its images and labels those of two classes."""
    values = {"racer": RACERS[0].name, "settings": {"layer_lr": 0.1}, "groups": 4, "units": UNITS, "oracle": 0.9}
    values["rows"] = [ROW | {"units": 20}, ROW | {"units": UNITS, "oracle_accuracy": 0.5}]
    values["images"] = np.random.default_rng(0).integers(0, 255, (2, 4, 1, 28, 28), dtype=np.uint8)
    values["labels"] = np.array([0, 0, 1, 1])
    return Heat(**(values | changes))


@pytest.fixture
def packed_with(grown, tmp_path):
    """Makes the zip of the run with a race at its second step, from what is given as the race's heat."""

    def make(heat: Heat) -> bytes:
        store = Store(tmp_path / "raced")
        shutil.copytree(grown[0].path, store.path, dirs_exist_ok=True)
        heats.save(store.files, heats.name_of(grown[1][1], RACERS[0], UNITS), heat)
        return archive.pack(store, grown[1][-1], {})

    return make


def test_a_race_goes_along(grown, packed_with, store):
    archive.unpack(io.BytesIO(packed_with(raced())), store)
    found = heats.read(store.files, heats.name_of(grown[1][1], RACERS[0], UNITS))
    assert found is not None
    assert np.array_equal(found.images, raced().images)
    assert (found.rows, found.oracle) == (raced().rows, 0.9)
    store.delete(grown[1][0])
    heats.forget(store.files, grown[1])
    archive.unpack(io.BytesIO(packed_with(raced(rows=[], images=raced().images[:0], note="It diverged."))), store)
    assert heats.budgets(store.files, grown[1][1]) == [UNITS]


@pytest.mark.parametrize(
    "harm",
    [
        {"labels": np.array([0, 0, 1, 7])},  # a class that this step has not seen
        {"rows": [ROW | {"units": 20}, {"units": UNITS}]},
        {"rows": [ROW | {"units": 20}, ROW | {"units": UNITS, "objective": float("nan")}]},
        {"rows": [ROW | {"units": 20}, ROW | {"units": UNITS, "oracle_accuracy": "much"}]},
        {"images": raced().images.astype(np.float32)},
        {"units": UNITS + 1},
        {"racer": 5},
        {"images": np.zeros((2, 4, 1, 6000, 6000), np.uint8)},  # 288 MB of nothing
    ],
)
def test_a_race_that_could_not_be_shown_is_refused(packed_with, store, harm):
    assert "race in it is damaged" in refused(io.BytesIO(packed_with(raced(**harm))), store)


def test_a_race_that_is_there_stays(grown, packed_with, store):
    archive.unpack(io.BytesIO(packed_with(raced())), store)
    archive.unpack(io.BytesIO(packed_with(raced(groups=9))), store)
    found = heats.read(store.files, heats.name_of(grown[1][1], RACERS[0], UNITS))
    assert found is not None
    assert found.groups == 4
