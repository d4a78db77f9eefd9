"""The command line: a small real run, and one clear sentence for everything that can be wrong."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cl_core import datasets, heats, metrics
from cl_core.__main__ import main
from cl_core.commands import build_data, build_example, options
from cl_core.commands.run import command_line
from cl_core.config import Config
from cl_core.presets import PRESETS
from cl_core.racers import FIRST
from cl_core.store import Store

# Two tasks of five classes, as little work as there is.
SMALLEST = {
    "stream": {"increment": 5, "train_per_class": 4},
    "network": {"width": 8, "blocks": 1, "stem_stride": 2},
    "learn": {"epochs_first": 1, "epochs": 1, "head_epochs": 0, "stage_epochs": 0, "balance_epochs": 1},
    "invert": {"iterations_per_layer": 1, "full_iterations": 2, "images_per_class": 2, "synthetic": "keep"},
}


@pytest.fixture(autouse=True)
def smallest(monkeypatch):
    """The preset `demo` replaced by a run of seconds; `smallest` too, for the tests that name it."""
    monkeypatch.setitem(PRESETS, "demo", SMALLEST)


def one_sentence(capsys) -> str:
    """What was said on stderr, checked to be one line without a traceback."""
    said = capsys.readouterr().err.strip()
    assert said
    assert "\n" not in said
    assert "Traceback" not in said
    return said


def test_a_run_writes_its_results_and_goes_on_from_the_store(tmp_path, capsys):
    arguments = ["run", "--store", str(tmp_path / "store"), "--seed", "3"]
    assert main([*arguments, "--out", str(tmp_path / "a")]) == 0
    printed = capsys.readouterr().out
    for words in ("after task 2", "Final accuracy", "Average incremental", "Forgetting", "Backward transfer"):
        assert words in printed
    found = json.loads((tmp_path / "a" / "run.json").read_text())
    assert found["finished"]
    assert found["config"]["machine"]["seed"] == 3
    assert [node["verb"] for node in found["nodes"]] == ["start", "learn", "invert", "learn", "invert"]
    assert {node["id"] for node in found["nodes"]} == set(Store(tmp_path / "store").ids())
    test = found["measures"]["test"]
    assert test["final_accuracy"] == pytest.approx(metrics.average_accuracy(test["accuracy_matrix"], [5, 5]))
    incremental = metrics.average_incremental_accuracy(test["accuracy_matrix"], [5, 5])
    assert test["average_incremental_accuracy"] == pytest.approx(incremental)
    assert len((tmp_path / "a" / "metrics.csv").read_text().splitlines()) == 1 + 2 * 3
    assert Image.open(tmp_path / "a" / "synthetic-after-task-2.png").height > 20 * 84

    assert main([*arguments, "--out", str(tmp_path / "b")]) == 0
    assert "from the store" in capsys.readouterr().out
    assert json.loads((tmp_path / "b" / "run.json").read_text()) == found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("run --preset fast", "fast"),
        ("run --strategy hope", "hope"),
        ("run --set learn.epochs=many", "whole number from 0 to 400"),
        ("run --set learn.epochs=-1", "whole number from 0 to 400"),
        ("run --set learn.lr=nan", "number from"),
        ("run --set invert.layer_iterations=1,x", "whole number"),
        ("run --set learn.epoch=3", "epochs"),
        ("run --set lesson.epochs=3", "lesson"),
        ("run --set epochs", "SECTION.NAME=VALUE"),
        ("run --set stream.data=mars", "mars"),
        ("run --set stream.increment=11", "11"),
        ("run --seed -1", "Seed"),
        ("run --out {file}/out", "cannot be written"),
        ("run --store {file}/store", "could not be saved"),
        ("bench --tasks 0", "--tasks"),
        ("build-data --source {file}", "dataset-fashion-mnist"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path, capsys, arguments, words):
    file = tmp_path / "file"
    file.touch()
    given = arguments.format(file=file).split()
    given += [] if "--store" in given or given[0] != "run" else ["--store", str(tmp_path / "store")]
    given += [] if "--out" in given or given[0] != "run" else ["--out", str(tmp_path / "out")]
    assert main(given) == 2
    assert words in one_sentence(capsys)


@pytest.mark.parametrize("arguments", ["", "fly", "run --seed x", "run --fast"])
def test_a_command_line_that_cannot_be_read_is_one_sentence_too(capsys, arguments):
    with pytest.raises(SystemExit, match="2"):
        main(arguments.split())
    assert "--help" in one_sentence(capsys)


def test_in_a_process_of_its_own_too():
    done = subprocess.run(
        [sys.executable, "-m", "cl_core", "run", "--preset", "fast"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_a_corrupt_asset_is_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(datasets, "ASSETS", tmp_path)
    assert main(["run", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]) == 2
    assert "build-data" in one_sentence(capsys)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, None])
def test_what_was_finished_before_a_stop_stays(tmp_path, capsys, monkeypatch, stop):
    from cl_core import experiment
    from cl_core.events import Diverged

    def fail(snapshot, config):
        yield from ()
        raise stop or Diverged("The loss became NaN; halve the step size.")

    monkeypatch.setattr(experiment, "invert", fail)
    code = main(["run", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")])
    assert code == (130 if stop else 2)
    assert ("kept" if stop else "halve the step size") in one_sentence(capsys)
    assert [Store(tmp_path / "store").read_node(id)["verb"] for id in Store(tmp_path / "store").ids()] == [
        "start",
        "learn",
    ]
    assert not json.loads((tmp_path / "out" / "run.json").read_text())["finished"]


def test_the_command_written_down_gives_the_same_config():
    config = Config().override({"learn": {"lr": 0.02}, "invert": {"layer_iterations": [1, 2]}, "machine": {"seed": 9}})
    words = command_line(config, Path("a store")).replace("'a store'", "store").split()[3:]
    assignments = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    rebuilt = Config()
    for assignment in assignments:
        rebuilt = rebuilt.override(options._parse(assignment))
    assert rebuilt == config


def test_info_lists_what_there_is(capsys):
    assert main(["info"]) == 0
    printed = capsys.readouterr().out
    for words in ("finetune", "pmi", "paper: 9 changes", "learn.epochs: 120 → 1", "fashion-mnist", "torch", "0 … 400"):
        assert words in printed


def test_bench_times_a_run(tmp_path, capsys):
    assert main(["bench", "--tasks", "1", "--out", str(tmp_path / "bench.json")]) == 0
    found = json.loads((tmp_path / "bench.json").read_text())
    assert {found["against_noise"][of]["objective"] > 0 for of in ("own", "noise")} == {True}
    assert found["tasks"] == 1
    assert found["seconds"]["learn and invert"] == pytest.approx(found["seconds"]["learn"] + found["seconds"]["invert"])
    assert sum(found["share"].values()) == pytest.approx(1)
    assert any(name.startswith("layer 1") for name in found["iterations_per_second"])
    printed = capsys.readouterr().out
    assert "Iterations a second" in printed
    assert "from noise with Adam" in printed
    step = found["step"]
    assert min(step.values()) > 0


def test_the_example_holds_what_is_looked_at_and_no_model(tmp_path, monkeypatch):
    monkeypatch.setattr(build_example, "ASSETS", tmp_path)
    out = tmp_path / "example"
    assert main(["build-example", "--out", str(out), "--store", str(tmp_path / "store")]) == 0
    index = json.loads((out / "index.json").read_text())
    main_leaf, beside = Store(out).load(index["main"]), Store(out).load(index["beside"]["finetune"])
    assert main_leaf.record["strategy"] == "pmi"
    assert beside.record["strategy"] == "finetune"
    groups = {name.partition("/")[0] for node in Store(out).ids() for name in Store(out).load(node).arrays}
    assert groups == {"view", "film", "statistics", "synthetic0", "synthetic1"}
    assert len(Store(out).lineage(index["main"])) == 5
    assert heats.budgets(Store(out).files, index["main"]) == [build_example.UNITS]
    assert len(list((out / heats.FOLDER).iterdir())) == len(FIRST)


def test_a_bundle_is_built_from_idx_files_and_loads(tmp_path, capsys):
    generator = np.random.default_rng(0)
    for stem, each in (("train", 1201), ("t10k", 200)):
        labels = generator.permutation(np.repeat(np.arange(10, dtype=np.uint8), each))
        images = np.stack([labels, labels], axis=1)[:, :, None]  # (n, 2, 1)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            (tmp_path / f"{stem}-{kind}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
    assert main(["build-data", "--source", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    data = datasets.bundled.load(tmp_path / "out")
    assert data.class_names == build_data.CLASS_NAMES
    for name, each in build_data.SIZES.items():
        split = data.split(name)
        assert split.images.shape == (10 * each, 1, 2, 1)
        assert np.array_equal(split.images[:, 0, 0, 0], split.labels)
