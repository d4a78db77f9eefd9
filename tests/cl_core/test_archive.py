"""A run in one file: what goes out comes in as it was, and nothing else does."""

import contextlib
import io
import json
import random
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from PIL import Image

from cl_core import archive, recipe
from cl_core.__main__ import main
from cl_core.commands import report
from cl_core.config import ConfigError
from cl_core.presets import PRESETS
from cl_core.store import Store, StoreError
from tests.cl_core.test_commands import SMALLEST, one_sentence


@pytest.fixture(scope="module")
def packed(grown) -> bytes:
    from cl_core.commands import bundle

    return bundle.exported(grown[0], grown[1][-1])


def everything(store: Store) -> dict[str, bytes]:
    return {str(file.relative_to(store.path)): file.read_bytes() for file in store.path.rglob("*") if file.is_file()}


def rewritten(packed: bytes, change) -> io.BytesIO:
    """The zip with its entries changed by `change`, which takes and gives {name: content}."""
    with zipfile.ZipFile(io.BytesIO(packed)) as source:
        entries = {name: source.read(name) for name in source.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in change(entries).items():
            target.writestr(name, content)
    buffer.seek(0)
    return buffer


def refused(file, store: Store) -> str:
    """The sentence with which a file is refused; the store stays empty and tidy."""
    before = everything(store)
    with pytest.raises(StoreError) as error:
        archive.unpack(file, store)
    assert everything(store) == before
    assert not list(store.path.glob(".import-*"))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_goes_out_comes_in_the_same(grown, packed, store):
    source, ids = grown
    assert archive.unpack(io.BytesIO(packed), store) == ids[-1]
    assert store.ids() == ids
    for node in ids:
        assert store.read_node(node) == source.read_node(node)
        there, here = source.load(node), store.load(node)
        assert here.record == there.record
        assert all(np.array_equal(here.arrays[name], array) for name, array in there.arrays.items())
    assert everything(store).keys() == everything(source).keys()  # the same objects, by hash


def test_the_next_step_of_an_imported_run_is_the_same_step(grown, packed, store):
    from cl_core import experiment

    source, ids = grown
    archive.unpack(io.BytesIO(packed), store)
    config = source.load(ids[-1]).config
    assert experiment.step_id(store.load(ids[-1]), "invert", config) == experiment.step_id(
        source.load(ids[-1]), "invert", config
    )


def test_importing_twice_changes_nothing(packed, store):
    archive.unpack(io.BytesIO(packed), store)
    before = everything(store)
    archive.unpack(io.BytesIO(packed), store)
    assert everything(store) == before


def test_what_it_holds_for_people(grown, packed):
    leaf = grown[0].load(grown[1][-1])
    with zipfile.ZipFile(io.BytesIO(packed)) as source:
        names = source.namelist()
        rows = source.read("metrics.csv").decode().splitlines()
        features = np.load(io.BytesIO(source.read("features.npz")), allow_pickle=False)
        model = safetensors.numpy.load(source.read("model.safetensors"))
        picture = Image.open(io.BytesIO(source.read("synthetic/sheet.png")))
        settings = recipe.from_dict(json.loads(source.read("settings.json")))
        assert "torch" in json.loads(source.read("versions.json"))
    assert len(rows) == 1 + 2 * 3  # two splits; one accuracy after the first task, two after the second
    assert np.array_equal(features["real"], leaf.arrays["view/real"])
    assert all(np.array_equal(model[name], array) for name, array in leaf.group("model").items())
    assert picture.width > 100
    assert "synthetic/T-shirt-top.png" in names
    assert settings == recipe.of(grown[0].lineage(leaf.id))


def test_a_run_without_its_networks_is_not_exported(make_snapshot, store):
    import dataclasses

    store.save(make_snapshot("a0", arrays={}))
    store.save(dataclasses.replace(make_snapshot("a1", "a0", {"view/real": np.ones((2, 2))}), verb="learn"))
    with pytest.raises(StoreError, match="without its networks"):
        archive.pack(store, "a1", {})


def test_a_truncated_file_is_refused_wherever_it_is_cut(packed, store):
    for length in [0, 1, 100, *np.linspace(1000, len(packed) - 1, 12).astype(int)]:
        refused(io.BytesIO(packed[:length]), store)


def test_a_changed_byte_is_refused_or_changes_nothing(grown, packed, store):
    """The checksums of the zip and of the store see to it; a byte of the files for people changes nothing."""
    rng = random.Random(0)
    for _ in range(40):
        harmed = bytearray(packed)
        harmed[rng.randrange(len(harmed))] ^= 1 << rng.randrange(8)
        with contextlib.suppress(StoreError):  # and no other error
            archive.unpack(io.BytesIO(bytes(harmed)), store)
        for node in store.ids():
            assert store.read_node(node) == grown[0].read_node(node)
            store.load(node)


@pytest.mark.parametrize("name", ["../../outside.json", "/tmp/outside.json", "store/nodes/../../outside.json", "C:\\x"])
def test_an_entry_cannot_leave_its_folder(packed, store, name):
    file = rewritten(packed, lambda entries: entries | {name: b"harm"})
    archive.unpack(file, store)
    assert not list(store.path.parent.rglob("outside*"))
    assert {path.split("/")[0] for path in everything(store)} == {"nodes", "objects"}


def with_manifest(entries: dict[str, bytes], **values) -> dict[str, bytes]:
    return entries | {"manifest.json": json.dumps(json.loads(entries["manifest.json"]) | values).encode()}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda e: {"a": b"b"}, "no manifest"),
        (lambda e: {k: v for k, v in e.items() if "objects" not in k}, "lacks its part"),
        (lambda e: {k: v for k, v in e.items() if "nodes" not in k}, "lacks its part"),
        (lambda e: with_manifest(e, nodes=["../../../etc/passwd"]), "names of 0–9 and a–f"),
        (lambda e: with_manifest(e, nodes=[]), "1 to 1000 steps"),
        (lambda e: with_manifest(e, nodes=5), "not a run"),
        (lambda e: with_manifest(e, format=99), "another format"),
        (lambda e: with_manifest(e, kind="holiday pictures"), "not exported by this program"),
        (lambda e: with_manifest(e, nodes=json.loads(e["manifest.json"])["nodes"][1:]), "do not follow each other"),
        (lambda e: with_manifest(e, nodes=json.loads(e["manifest.json"])["nodes"][:2] * 2), "do not follow each other"),
        (lambda e: e | {"manifest.json": b"[" * 100_000}, "not a run"),
        (lambda e: e | {"manifest.json": b" " * 2_000_000}, "larger than"),
    ],
)
def test_a_foreign_file_is_a_sentence(packed, store, change, told):
    assert told in refused(rewritten(packed, change), store)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n" + bytes(500)])
def test_what_is_no_zip_is_a_sentence(store, content):
    assert "not a run" in refused(io.BytesIO(content), store)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(packed, store):
    buffer = io.BytesIO(packed)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as target:
        target.writestr("zeros.bin", bytes(30_000_000))
    assert "packed far tighter" in refused(buffer, store)


def test_a_part_that_says_it_is_huge_is_refused(packed, store):
    """The size in the directory of the zip is made 4 GB, as a bomb of many layers says of itself."""
    at = packed.rindex(b"PK\x01\x02")
    harmed = packed[: at + 24] + struct.pack("<I", 2**32 - 2) + packed[at + 28 :]
    assert "larger than" in refused(io.BytesIO(harmed), store)


def test_too_many_parts_are_refused(packed, store, monkeypatch):
    monkeypatch.setattr(archive, "ENTRIES", 3)
    assert "more than 3 parts" in refused(io.BytesIO(packed), store)


def test_when_the_disk_refuses_the_store_is_as_it_was(packed, store, monkeypatch):
    made, save = [], Store.save

    def fail_at_the_third(self, snapshot):
        if self.path == store.path and len(made) == 2:
            raise StoreError("The disk is full.")
        made.append(snapshot.id)
        save(self, snapshot)

    monkeypatch.setattr(Store, "save", fail_at_the_third)
    monkeypatch.setattr("cl_core.store.GRACE", -1.0)
    assert "The disk is full" in refused(io.BytesIO(packed), store)


def test_the_commands_export_and_import(grown, tmp_path, capsys):
    source, ids = grown
    file, elsewhere = tmp_path / "run.zip", tmp_path / "elsewhere"
    assert main(["export", ids[-1], str(file), "--store", str(source.path)]) == 0
    assert main(["import", str(file), "--store", str(elsewhere)]) == 0
    assert ids[-1] in capsys.readouterr().out
    assert Store(elsewhere).ids() == ids
    for wrong in (["export", "abc", str(file)], ["export", ids[-1], str(tmp_path), "--store", str(source.path)],
                  ["import", str(tmp_path / "nothing.zip")], ["import", __file__]):  # fmt: skip
        assert main([*wrong, *([] if "--store" in wrong else ["--store", str(elsewhere)])]) == 2
        one_sentence(capsys)


def test_a_recipe_goes_out_and_comes_in(grown):
    path = grown[0].lineage(grown[1][-1])
    there = recipe.of(path)
    assert recipe.from_dict(json.loads(there.to_json())) == there
    assert there.to_dict()["steps"][0] == {"verb": "learn", "config": {}}
    assert there.to_dict()["steps"][1]["config"]["learn"] == {"lr": 0.03, "hard_kd": 3.0}
    assert there.to_dict()["steps"][2]["config"] == {}


def test_a_path_of_one_config_is_known_from_a_mixed_one(grown, monkeypatch):
    path = grown[0].lineage(grown[1][-1])
    assert recipe.one_config(path) is None
    first = recipe.one_config(path[:3])
    assert first is not None
    assert (first.learn, first.invert) == (path[1].config.learn, path[2].config.invert)


def test_run_from_a_file_makes_the_same_steps_with_mixed_settings(grown, tmp_path, capsys, monkeypatch):
    source, ids = grown
    file = tmp_path / "steps.json"
    file.write_text(recipe.of(source.lineage(ids[-1])).to_json(), encoding="utf-8")
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    assert main(["run", "--from", str(file), "--store", str(fresh), "--out", str(out)]) == 0
    assert Store(fresh).ids() == ids
    told = json.loads((out / "run.json").read_text())
    assert "--from" in told["command"]
    assert [node["id"] for node in told["nodes"]] == ids
    assert (out / "settings.json").read_text() == file.read_text()
    monkeypatch.setitem(PRESETS, "demo", SMALLEST)
    assert main(["run", "--from", str(file), "--seed", "3"]) == 2
    assert "leave --set" in one_sentence(capsys)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON"),
        ("[]", "no list of steps"),
        ('{"format": 2}', "format 1"),
        ('{"format": 1, "experiment": {}, "steps": {}}', "at most"),
        ('{"format": 1, "experiment": {"x": {}}, "steps": []}', "no section"),
        ('{"format": 1, "experiment": {"learn": 3}, "steps": []}', "does not exist"),
        ('{"format": 1, "experiment": {}, "steps": [{"verb": "dance", "config": {}}]}', "Step 1 must have"),
        ('{"format": 1, "experiment": {}, "steps": [{"verb": "learn", "config": {"learn": {"lr": -1}}}]}', "Step 1: "),
    ],
)  # fmt: skip
def test_a_bad_recipe_is_a_sentence(tmp_path: Path, text, told):
    file = tmp_path / "steps.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        recipe.read(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        recipe.read(tmp_path / "nothing.json")


def test_a_csv_file_holds_no_formula():
    """Neither in a split of another's naming, nor in text that a spreadsheet would compute."""
    half = [[[0.5]]]
    record = {name: {"validation": half[0], "test": half[0], "=1+1": half[0]} for name in ("accuracy", "task_accuracy")}
    assert "=1+1" not in report.csv_text(record)
    assert [report.cell(text) for text in ("=1+1", "+x", "-x", "@x", "\tx", "x", -1.5, None)] == [
        "'=1+1", "'+x", "'-x", "'@x", "'\tx", "x", -1.5, None
    ]  # fmt: skip
