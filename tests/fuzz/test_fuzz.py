"""A small share of `python tests/fuzz`: nothing from elsewhere makes a traceback, hangs or writes outside."""

from collections.abc import Iterator
from pathlib import Path

import doors
import doors_clip
import doors_here
import nasty
import pages
import pytest
from watch import Tally, enter

from dashboard import library

FEW = {
    doors.runs: 45,  # the corpus of zips, spoiled bytes, steps sealed anew
    doors.image_folders: 60,
    doors_here.recipes: 60,
    doors_here.addresses: 30,
    doors_here.files_of_a_store: 30,
    doors_clip.clip_checkpoints: 52,  # the corpus, and a few spoiled ones
}


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path) -> Iterator[None]:
    with doors.nobody_else(tmp_path / "own"):
        yield


@pytest.mark.parametrize("door", FEW, ids=lambda door: door.__name__)
def test_no_input_does_harm(door, tmp_path: Path):
    told = Tally()
    door(FEW[door], tmp_path, told)
    assert told.inputs >= FEW[door]
    assert told.clean, "\n".join([*told.faults, *told.hangs, *told.outside])


def test_what_would_do_harm_is_seen(tmp_path: Path):
    """The watch itself: a write outside, an unpickling, a connection and a fault are all noticed."""
    import pickle
    import socket

    inside, told = tmp_path / "inside", Tally()
    inside.mkdir()
    for door in (
        lambda: (inside / "x").write_text("allowed"),
        lambda: (tmp_path / "x").write_text("outside"),
        lambda: pickle.loads(pickle.dumps(Path("x"))),
        lambda: socket.create_connection(("127.0.0.1", 9), 0.1),
        lambda: [][0],
    ):
        enter(door, (OSError,), inside, told, "harm")
    assert len(told.outside) >= 3
    assert len(told.faults) == 1
    assert told.taken == 3


def test_class_names_are_never_html_or_markdown(tmp_path: Path):
    """A run with class names of another's choosing is taken in and shown, with the names as they are."""
    import dataclasses
    import io

    from cl_core import archive
    from cl_core.store import Store

    source, leaf = doors.run_of(tmp_path)
    names = (nasty.TAG, "**b**", "$x^2$", nasty.FORMULA)
    renamed = Store(tmp_path / "renamed")
    for step in source.lineage(leaf):
        renamed.save(dataclasses.replace(step, class_names=(*names, *step.class_names[len(names) :])))
    own = library.own_store()
    archive.unpack(io.BytesIO(archive.pack(renamed, leaf, {})), own)
    told = Tally()
    written = pages.written({"node": leaf}, told, tmp_path)
    assert told.clean, told.faults
    assert nasty.TAG not in written, written[max(0, written.index(nasty.TAG) - 300) :][:700]
    assert "&lt;img src=x" in written
