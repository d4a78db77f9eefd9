"""A process without torch for the dashboard's tests: the stand-in core, an example made by it, an empty own store."""

import sys
from collections.abc import Iterator
from pathlib import Path

import fake_core
import pytest
import streamlit as st

import cl_core
from cl_core.store import Store
from dashboard import job, library


@pytest.fixture(scope="session")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished example: replay, with finetune beside."""
    folder = tmp_path_factory.mktemp("example")
    main, beside = fake_core.grown("pmi", Store(folder))[-1], fake_core.grown("finetune", Store(folder))[-1]
    index = f'{{"title": "an example", "main": "{main.id}", "beside": {{"finetune": "{beside.id}"}}}}'
    (folder / "index.json").write_text(index, encoding="utf-8")
    return folder


@pytest.fixture
def lab(example_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The dashboard's surroundings; gives the person's own store, which is empty."""
    monkeypatch.setenv("INVERSION_LAB_EXAMPLE", str(example_folder))
    monkeypatch.setenv("INVERSION_LAB_STORE", str(tmp_path / "store"))
    monkeypatch.setitem(sys.modules, "cl_core.experiment", fake_core)
    monkeypatch.setattr(cl_core, "experiment", fake_core, raising=False)
    monkeypatch.setattr(fake_core, "behaviour", fake_core.Behaviour())
    st.cache_data.clear()
    yield library.own_store()
    for known in list(job.REGISTRY._jobs.values()):
        job.REGISTRY.cancel(known)
