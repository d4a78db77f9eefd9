"""A disk that refuses takes nothing away: the session goes on in memory, and catches up when it can."""

import dataclasses
import errno
import io

import fake_core
import numpy as np
import pytest
from test_app import button, new_experiment, open_page, texts, until

from cl_core import archive, comparison, files, heats, upkeep
from cl_core.events import Event
from cl_core.heats import Heat
from cl_core.racers import RACERS
from cl_core.snapshot import freeze
from cl_core.store import Store, StoreError
from dashboard import keeping, library, notes, projections
from dashboard.keeping import Keeping


@pytest.fixture
def full(monkeypatch):
    """A disk on which there is no room, until the function is called."""
    write = files.write_whole

    def refuse(file, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    def make_room():
        monkeypatch.setattr(files, "write_whole", write)

    monkeypatch.setattr(files, "write_whole", refuse)
    return make_room


def test_the_page_goes_on_without_a_disk_and_catches_up(lab, full):
    page = new_experiment(open_page().run())
    button(page, "Learn task 1").click().run()
    until(page, "Invert after task 1")
    button(page, "Invert after task 1").click().run()
    until(page, "Learn task 2")
    assert "No space left on device" in page.warning[0].value
    assert "memory" in page.warning[0].value
    assert "● Learn 1" in texts(page) or any("Learn 1" in b.label for b in page.button)
    assert Store(lab.path).ids() == []
    full()
    button(page, "Learn task 2").click().run()
    until(page, "Invert after task 2")
    assert not page.warning
    on_disk = Store(lab.path)
    assert len(on_disk.ids()) == 4
    assert not upkeep.verify(on_disk).damaged


def test_what_is_in_memory_can_be_taken_along(lab, full, tmp_path):
    path = fake_core.grown("pmi", library.own_store(), 1)
    arrays = dict(path[1].arrays) | {"model/weight": np.ones((2, 2), np.float32)}
    step = dataclasses.replace(path[1], id="b1b1", arrays=freeze(arrays))
    library.own_store().save(step)
    assert not lab.path.exists()
    packed = archive.pack(library.own_store(), "b1b1", {})
    full()
    elsewhere = Store(tmp_path / "elsewhere")
    assert archive.unpack(io.BytesIO(packed), elsewhere) == "b1b1"
    assert elsewhere.load("b1b1").record == step.record


def test_a_step_of_which_only_a_part_went_to_the_disk_is_named_there_only_when_it_is_whole(lab, monkeypatch):
    write, room = files.write_whole, [1]

    def refuse_nodes(file, content):
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        room.pop()
        write(file, content)

    monkeypatch.setattr(files, "write_whole", refuse_nodes)
    fake_core.grown("pmi", lab, 3)
    ids = lab.ids()
    assert len(ids) > 2
    assert upkeep.verify(lab).steps == ids
    for more in (0, 3, 5, 99):  # a little room, again and again
        room[:] = [1] * more
        lab.files.write("notes/a.json", b"x")
        assert not upkeep.verify(Store(lab.path)).damaged  # whoever comes next finds a whole store
    assert Store(lab.path).ids() == ids


def test_what_is_in_memory_can_be_deleted_and_is_limited(lab, full, monkeypatch):
    path = fake_core.grown("pmi", lab, 1)
    assert lab.delete(path[1].id) == [node.id for node in path[1:]]
    assert lab.ids() == [path[0].id]
    monkeypatch.setattr(keeping, "MOST", 10)
    with pytest.raises(StoreError, match="could not be saved"):
        fake_core.grown("finetune", lab, 1)


def test_a_folder_that_may_only_be_read_shares_what_it_has(tmp_path, make_snapshot, monkeypatch):
    Store(tmp_path).save(make_snapshot("a0"))

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files, "write_whole", refuse)
    monkeypatch.setattr(files.os, "utime", refuse)
    kept = Store(tmp_path, Keeping(tmp_path))
    kept.save(make_snapshot("b0", "a0"))
    assert [step.id for step in kept.lineage("b0")] == ["a0", "b0"]
    assert Store(tmp_path).ids() == ["a0"]


def test_a_umap_picture_a_comparison_a_race_and_a_note_are_kept_in_memory_too(lab, full, monkeypatch):
    view = fake_core.grown("pmi", lab, 1)[-1].group("view")
    picture = io.BytesIO()
    arrays = {name: np.ones((2, 2)) for name in ("real", "synthetic", "mean", "covariance")}
    np.savez(picture, allow_pickle=False, **arrays)

    def child(view, scratch):
        yield Event("measure", 1, 0, 0.5)
        return picture.getvalue()

    monkeypatch.setattr(projections, "_umap_content", child)
    assert projections.stored_umap(view, [lab.files]) is None
    list(projections.compute_umap(view, lab.files))
    assert projections.stored_umap(view, [lab.files]) is not None
    two = np.ones((2, 2))
    made = comparison.Comparison("a0", two, two, two, two, two, two, two, {"a": [], "b": []})
    comparison.save(lab.files, "comparisons/x.npz", made)
    assert comparison.read(lab.files, "comparisons/x.npz") is not None
    race = heats.name_of("a0", RACERS[0], 50)
    heats.save(lab.files, race, Heat("a racer", {}, 4, 50, [], np.zeros((0, 2, 1, 1, 1)), np.zeros(2, int)))
    assert heats.budgets(lab.files, "a0") == [50]
    assert heats.read(lab.files, race) is not None
    notes.write(lab, "a0", notes.Note("a name"))
    assert notes.read(lab, "a0").name == "a name"
    assert not lab.path.exists()
    full()
    lab.files.write("notes/a.json", b"x")
    assert (lab.path / projections.umap_name(view)).is_file()
    assert (lab.path / "comparisons" / "x.npz").is_file()
    assert (lab.path / race).is_file()
