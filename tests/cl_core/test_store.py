"""What is saved is read back whole or not at all, and what is shared is stored once."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cl_core import upkeep
from cl_core.__main__ import main
from cl_core.store import Store, StoreError, VersionError, sealed

values = st.sampled_from(["f2", "f4", "f8", "u1", "i8"]).flatmap(
    lambda kind: arrays(kind, array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))
)
groups = st.dictionaries(st.sampled_from(["model/a", "model/b.c", "view/a", "synthetic0/images"]), values)


def object_files(store: Store) -> list[Path]:
    return sorted((store.path / "objects").iterdir())


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=groups)
def test_round_trip(tmp_path_factory, make_snapshot, contents):
    store = Store(tmp_path_factory.mktemp("store"))
    saved = make_snapshot(id="b1", parent="a0", arrays=contents)
    store.save(saved)
    loaded = store.load("b1")
    assert loaded.arrays.keys() == contents.keys()
    for name, array in contents.items():
        assert loaded.arrays[name].dtype == array.dtype
        assert loaded.arrays[name].shape == array.shape
        assert loaded.arrays[name].tobytes() == array.tobytes()
        assert not loaded.arrays[name].flags.writeable
    assert (loaded.config, loaded.record, loaded.parent) == (saved.config, saved.record, "a0")


def test_shared_groups_are_stored_once(store, make_snapshot):
    first = make_snapshot("a0")
    store.save(first)
    files = object_files(store)
    store.save(make_snapshot("a1", parent="a0"))
    changed = dict(first.arrays) | {"view/real": np.zeros((2, 2), "f2")}
    store.save(make_snapshot("a2", parent="a1", arrays=changed))
    assert len(files) == 2
    assert len(object_files(store)) == 3
    assert [s.id for s in store.lineage("a2")] == ["a0", "a1", "a2"]
    assert store.ids() == ["a0", "a1", "a2"]


def test_only_the_groups_asked_for_are_read(store, make_snapshot):
    store.save(make_snapshot("a0"))
    assert set(store.load("a0", groups=["view"]).arrays) == {"view/real"}
    assert store.load("a0", groups=()).record["accuracy"]["test"][1] == [0.25, 0.75]


@pytest.mark.parametrize("harm", ["cut", "changed", "empty", "not JSON"])
def test_a_damaged_node_is_refused(store, make_snapshot, harm):
    store.save(make_snapshot("a0"))
    file = store.path / "nodes" / "a0.json"
    text = file.read_text()
    harmed = {"cut": text[:-9], "changed": text.replace("0.75", "0.76"), "empty": "", "not JSON": "[1]"}
    file.write_text(harmed[harm])
    with pytest.raises(StoreError, match=r"a0.json.*damaged"):
        store.load("a0")


@pytest.mark.parametrize("harm", ["cut", "changed", "missing"])
def test_a_damaged_object_is_refused_and_can_be_computed_again(store, make_snapshot, harm):
    store.save(make_snapshot("a0"))
    for file in object_files(store):
        content = file.read_bytes()
        if harm == "missing":
            file.unlink()
        else:
            file.write_bytes(content[:-1] if harm == "cut" else content[:-1] + b"?")
    with pytest.raises(StoreError, match="part of this step"):
        store.load("a0")
    (store.path / "nodes" / "a0.json").unlink()
    store.save(make_snapshot("a0"))
    assert len(store.load("a0").arrays) == 2


def test_an_interrupted_write_leaves_no_node_and_no_litter(store, make_snapshot, monkeypatch):
    def interrupt(source, target):
        if str(target).endswith(".json"):
            raise KeyboardInterrupt
        rename(source, target)

    rename = os.replace
    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.save(make_snapshot("a0"))
    assert "a0" not in store
    assert store.ids() == []
    assert not list(store.path.rglob("*.part"))
    monkeypatch.undo()
    store.save(make_snapshot("a0"))
    assert store.load("a0").id == "a0"


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(tmp_path, make_snapshot):
    (tmp_path / "taken").write_text("a file where the store should be")
    store = Store(tmp_path / "taken" / "store")
    assert store.ids() == []
    assert "a0" not in store
    with pytest.raises(StoreError, match="could not be saved"):
        store.save(make_snapshot("a0"))


def test_reading_works_in_and_leaves_alone_a_read_only_folder(store, make_snapshot, monkeypatch):
    store.save(make_snapshot("a0"))
    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    store.path.chmod(0o555)
    assert store.lineage("a0")[0].id == "a0"
    assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*")} == before
    if os.geteuid() != 0:  # root writes anywhere
        with pytest.raises(StoreError, match="could not be saved"):
            store.save(make_snapshot("a1"))


@pytest.mark.parametrize("name", ["", "../a0", "A0", "a0.json"])
def test_a_name_that_could_leave_the_folder_is_refused(store, name):
    with pytest.raises(StoreError):
        store.load(name)


def test_a_step_that_is_not_there_is_said_so(store):
    with pytest.raises(StoreError, match="no step ab"):
        store.load("ab")


def test_nodes_are_plain_json(store, make_snapshot):
    store.save(make_snapshot("a0"))
    assert json.loads((store.path / "nodes" / "a0.json").read_text())["class_names"] == ["cat", "mug"]


def test_deleting_takes_what_grew_from_it_and_what_only_they_needed(store, make_snapshot, monkeypatch):
    monkeypatch.setattr("cl_core.store.GRACE", -1.0)
    own = {"view/real": np.zeros((2, 2), "f2")}
    shared = dict(make_snapshot().arrays)
    for name, parent, more in (("a0", None, {}), ("b0", "a0", {}), ("b1", "b0", own), ("c0", "a0", {})):
        store.save(make_snapshot(name, parent, shared | more))
    assert len(object_files(store)) == 3
    assert store.delete("b0") == ["b0", "b1"]
    assert store.ids() == ["a0", "c0"]
    assert len(object_files(store)) == 2
    assert [s.id for s in store.lineage("c0")] == ["a0", "c0"]


def test_an_object_that_was_reused_of_late_is_not_pruned(store, make_snapshot, monkeypatch):
    """Another process has seen that the object is there, and is about to name it."""
    store.save(make_snapshot("a0"))
    for file in object_files(store):
        os.utime(file, (0, 0))
    other = Store(store.path)
    name, array = next(iter(make_snapshot().arrays.items()))
    other._save_object({name.partition("/")[2]: array})
    store.delete("a0")
    assert len(object_files(store)) == 1


def test_an_object_reused_at_the_very_moment_of_pruning_is_put_back(store, make_snapshot, monkeypatch):
    store.save(make_snapshot("a0"))
    for file in object_files(store):
        os.utime(file, (0, 0))
    rename = os.replace

    def reused_just_before(source, target):
        if str(source).endswith(".safetensors"):
            os.utime(source)
        rename(source, target)

    monkeypatch.setattr(os, "replace", reused_just_before)
    store.delete("a0")
    assert len(object_files(store)) == 2
    assert not list(store.path.rglob("*.part"))


def test_a_damaged_node_keeps_its_objects(store, make_snapshot, monkeypatch):
    monkeypatch.setattr("cl_core.store.GRACE", -1.0)
    store.save(make_snapshot("a0"))
    store.save(make_snapshot("b0"))
    file = store.path / "nodes" / "a0.json"
    file.write_text(file.read_text()[:-9])
    store.delete("b0")
    assert len(object_files(store)) == 2


def harm(store: Store, file: str) -> None:
    path = store.path / file
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def first_object(store: Store) -> str:
    return f"objects/{object_files(store)[0].name}"


@pytest.mark.parametrize("what", ["node", "object"])
def test_a_damaged_step_is_set_aside_and_taken_again(store, make_snapshot, what, caplog):
    store.save(make_snapshot("a0"))
    file = "nodes/a0.json" if what == "node" else first_object(store)
    harm(store, file)
    harmed = (store.path / file).read_bytes()
    assert store.find("a0") is None
    assert file in caplog.text
    assert [path.read_bytes() for path in (store.path / "damaged").iterdir()] == [harmed]
    store.save(make_snapshot("a0"))
    assert store.find("a0").arrays.keys() == make_snapshot("a0").arrays.keys()


@pytest.mark.parametrize("what", ["node", "object"])
def test_saving_a_step_again_mends_it(store, make_snapshot, what):
    store.save(make_snapshot("a0"))
    harm(store, "nodes/a0.json" if what == "node" else first_object(store))
    store.save(make_snapshot("a0"))
    assert store.load("a0").record == make_snapshot("a0").record
    assert not upkeep.verify(store).damaged


def test_verify_names_each_damaged_file_and_sets_it_aside_once(store, make_snapshot, capsys):
    for name, parent in (("a0", None), ("a1", "a0"), ("b0", None), ("c0", "b0")):
        store.save(make_snapshot(name, parent, {"model/a": np.full(3, int(name, 16))}))
    (store.path / "nodes" / ".half.part").write_bytes(b"{")
    command = ["store", "verify", "--store", str(store.path)]
    assert main(command) == 0
    assert ".half.part is half-written" in capsys.readouterr().out
    lost = store.read_node("a1")["objects"]["model"]
    harm(store, f"objects/{lost}.safetensors")
    harm(store, "nodes/b0.json")
    assert main(command) == 1
    told = capsys.readouterr().out
    assert f"objects/{lost}.safetensors is damaged; it was set aside as damaged/{lost}.safetensors" in told
    assert "nodes/b0.json is damaged; it was set aside as damaged/b0.json" in told
    assert "a1 (start" in told  # lacks its arrays
    assert "c0 (start" in told  # lacks the step before it
    assert store.ids() == ["a0", "a1", "c0"]
    assert len(list((store.path / "damaged").iterdir())) == 2
    assert main(["store", "list", "--store", str(store.path)]) == 0
    assert "2 damaged files lie in" in capsys.readouterr().out
    store.save(make_snapshot("a1", "a0", {"model/a": np.full(3, 0xA1)}))
    store.save(make_snapshot("b0", None, {"model/a": np.full(3, 0xB0)}))
    assert main(command) == 0


def versioned(store: Store, change: dict) -> bytes:
    """The node a0 changed, sealed anew as another version of the program would."""
    file = store.path / "nodes" / "a0.json"
    node = json.loads(file.read_text())
    del node["seal"]
    file.write_text(json.dumps(sealed(node | change)))
    return file.read_bytes()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 2, "steps": "elsewhere"}, "a newer version of this program (format 2; this one reads 1); update"),
        ({"format": 0}, "another version"),
        ({"config": {"learn": {"magic": 3}}}, "settings that this version of the program does not know"),
    ],
)
def test_another_versions_step_is_recognised_and_left_alone(store, make_snapshot, change, told, capsys):
    store.save(make_snapshot("a0"))
    written = versioned(store, change)
    for use in (store.load, store.find, store.is_whole, lambda _: store.save(make_snapshot("a0"))):
        with pytest.raises(VersionError) as error:
            use("a0")
        assert told in str(error.value)
    assert main(["store", "verify", "--store", str(store.path)]) == 0
    assert told in capsys.readouterr().out
    store.prune()
    assert (store.path / "nodes" / "a0.json").read_bytes() == written
    assert len(object_files(store)) == 2


def test_a_sealed_node_of_another_shape_is_damaged_and_not_a_fault(store, make_snapshot):
    for change in ({"objects": {"model": "../../secret"}}, {"parent": 3}, {"record": []}, {"task_sizes": ["1"]}):
        store.save(make_snapshot("a0"))
        versioned(store, change)
        with pytest.raises(StoreError, match="damaged"):
            store.lineage("a0")


def test_prune_removes_what_killed_processes_left_and_says_how_much(store, make_snapshot, monkeypatch, capsys):
    store.save(make_snapshot("a0"))
    (store.path / "objects" / ".x1.part").write_bytes(bytes(100))
    (store.path / ".import-x" / "nodes").mkdir(parents=True)
    (store.path / "objects" / f"{'0' * 64}.safetensors").write_bytes(bytes(50))
    command = ["store", "prune", "--store", str(store.path)]
    assert main(command) == 0
    assert "0 files removed, 0 bytes freed" in capsys.readouterr().out  # all of it may be in the making
    monkeypatch.setattr("cl_core.store.GRACE", -1.0)
    assert main(command) == 0
    assert "3 files removed" in capsys.readouterr().out
    assert not list(store.path.rglob("*.part")) + list(store.path.glob(".import-*"))
    assert store.load("a0").id == "a0"
    assert len(object_files(store)) == 2


def test_an_object_whose_removal_was_interrupted_comes_back(store, make_snapshot):
    """Killed between setting aside and putting back: the object may have been reused meanwhile."""
    store.save(make_snapshot("a0"))
    file = object_files(store)[0]
    file.rename(file.with_name(f".{file.name}.part"))
    store.prune()
    assert store.load("a0").id == "a0"
    assert not list(store.path.rglob("*.part"))


def test_a_store_that_is_not_there_is_a_sentence(tmp_path, capsys):
    for action in ("list", "verify", "prune"):
        assert main(["store", action, "--store", str(tmp_path / "none")]) == 2
        assert "There is no store in" in capsys.readouterr().err
