"""More doors: recipes and settings, addresses, and the files of a store where they lie."""

import json
import shutil
from argparse import Namespace
from pathlib import Path
from unittest import mock

import nasty
import numpy as np
import streamlit as st
from doors import REFUSALS, drawn, run_of
from hypothesis import strategies as of
from watch import Tally, enter

from cl_core import comparison, heats, recipe, upkeep
from cl_core.commands import options
from cl_core.config import Config
from cl_core.datasets import bundled
from cl_core.files import Files
from cl_core.heats import Heat
from cl_core.store import Store
from dashboard import evidence, library, notes, state

RACE = "races/a0-50-x.npz"


def recipes(count: int, root: Path, told: Tally) -> None:
    """Lists of steps as files, and settings as the command line gives them."""
    place = root / "recipes"
    place.mkdir()
    file, config = place / "steps.json", Config()
    step = {"verb": "learn", "config": {"learn": config.to_dict()["learn"]}}
    good = {"format": 1, "experiment": config.to_dict(), "steps": [step, {"verb": "invert", "config": {}}]}

    def bring(content: bytes, what: str) -> None:
        file.write_bytes(content)
        enter(lambda: recipe.read(file), REFUSALS, place, told, f"recipe: {what}")

    def assign(pair: tuple[str, str]) -> None:
        words = Namespace(preset="demo", strategy=None, seed=None, set=["=".join(pair)])
        enter(lambda: options.config_from(words), REFUSALS, place, told, f"setting: {pair!r}")

    for number, text in enumerate(nasty.TEXTS[:count]):
        bring(text, f"text {number}")
    left = max(0, count - told.inputs)
    drawn(nasty.spoiled_json(good), left // 2, lambda plain: bring(json.dumps(plain).encode(), "spoiled JSON"))
    drawn(nasty.spoiled_bytes(json.dumps(good).encode()), left // 4, lambda content: bring(content, "spoiled bytes"))
    known = [f"{section}.{name}" for section, values in config.to_dict().items() for name in values]
    pairs = of.tuples(of.sampled_from([*known, "x.y", "learn", "", "learn.__class__"]), _texts())
    drawn(pairs, left - left // 2 - left // 4, assign)


def _texts() -> of.SearchStrategy[str]:
    odd = [
        "nan",
        "inf",
        "-inf",
        "1e999",
        "9" * 5000,
        "1,,2",
        "()",
        "[[",
        "０",
        "²",
        "1_0",
        nasty.TAG,
        nasty.FORMULA,
        "\x00",
    ]
    return of.one_of(of.sampled_from(odd), of.text(max_size=12), of.integers().map(str), of.floats().map(str))


class Parameters(dict[str, str]):
    """Stands for Streamlit's query parameters."""

    def from_dict(self, plain: dict[str, str]) -> None:
        self.clear()
        self.update(plain)

    def to_dict(self) -> dict[str, str]:
        return dict(self)


def addresses(count: int, root: Path, told: Tally) -> None:
    """Query parameters: what the state makes of them, and what the library finds."""
    known = [f"{section}.{name}" for section, values in Config().to_dict().items() for name in values]
    names = of.sampled_from([*known, "preset", "node", "run", "a", "b", "after", "network", "data", "results", "lesson",
                             "guess", "try", "learn.", ".", "learn.x", "machine.__init__"])  # fmt: skip
    good = library.example_store().ids()
    asked = of.dictionaries(names, of.one_of(_texts(), of.sampled_from(good)), min_size=1, max_size=5)

    def bring(parameters: dict[str, str]) -> None:
        def ask() -> None:
            with (
                mock.patch.object(st, "query_params", Parameters(parameters)),
                mock.patch.object(st, "session_state", {}),
            ):
                state.enter("explore")
                config = state.settings(None)
                state.address_to_go_on(config, library.glance(library.example_store(), good[0]))
                state.notices()
                for say in (state.run_id, state.pinned, state.moment, state.lender, state.data, state.results):
                    say("a") if say is state.pinned else say()  # type: ignore[call-arg]
                for node in (state.selected(), state.pinned("b"), state.lender()):
                    if node is not None:
                        library.find(node)

        enter(ask, REFUSALS, root, told, f"address: {parameters!r}")

    drawn(asked, count, bring)


def _a_race(root: Path) -> bytes:
    files, images = Files(root / "race"), np.zeros((1, 2, 1, 8, 8), np.uint8)
    row = {"units": 50, "seconds": 1.0, "objective": 0.5}
    heats.save(files, RACE, Heat("a racer", {"groups": "layers"}, 4, 50, [row], images, np.zeros(2, int)))
    return files.read(RACE)


def files_of_a_store(count: int, root: Path, told: Tally) -> None:
    """Steps, arrays, notes, comparisons, races and indices that are damaged where they lie."""
    source, leaf = run_of(root)
    place = root / "damaged"
    index = {"title": "x", "main": leaf, "beside": {}}
    more = {"notes/a0.json": b'{"name": "n", "note": "x"}', "index.json": json.dumps(index).encode(),
            "meta.json": b'{"name": "x", "class_names": ["a"], "licence": "", "sha256": {}}', "race.json": b"{}",
            "c.npz": b"PK\x03\x04", RACE: _a_race(root)}  # fmt: skip
    originals = {str(f.relative_to(source.path)): f.read_bytes() for f in source.path.rglob("*") if f.is_file()} | more

    def bring(pair: tuple[str, bytes]) -> None:
        name, content = pair
        shutil.copytree(source.path, place, dirs_exist_ok=True)
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(content)
        store, what = Store(place), f"store: {name}"

        def read() -> None:
            if name == "index.json":
                with mock.patch.dict("os.environ", INVERSION_LAB_EXAMPLE=str(place)):
                    library.example()
            elif name == "meta.json":
                bundled.load(place)
            elif name == "race.json":
                evidence.read(place / name)
            elif name == "c.npz":
                comparison.read(store.files, name)
            elif name == RACE:
                heats.budgets(store.files, "a0")
                heats.read(store.files, name)
            elif name.startswith("notes"):
                notes.read(store, "a0")
            else:
                assert bool(upkeep.verify(store, set_aside=False).damaged) == (content != originals[name])
                if store.find(Path(name).stem if name.startswith("nodes") else leaf) is None:
                    upkeep.verify(store)
                store.lineage(leaf)

        enter(read, REFUSALS, place, told, what)
        shutil.rmtree(place)

    for name in more:
        for text in nasty.TEXTS:
            if told.inputs < count // 3:
                bring((name, text))
    names = of.sampled_from(sorted(originals))
    spoiled = names.flatmap(lambda name: of.tuples(of.just(name), nasty.spoiled_bytes(originals[name])))
    drawn(spoiled, count - told.inputs, bring)
