"""Commands of many runs, compare and ablate: they go on where they were, and one that fails does not stop the rest."""

import functools
import json
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from cl_core.__main__ import main
from cl_core.commands import ablate, batch
from cl_core.presets import PRESETS, preset
from cl_core.store import Store
from dashboard import evidence as reader
from tests.cl_core.test_commands import SMALLEST, one_sentence


@pytest.fixture(autouse=True)
def smallest(monkeypatch):
    """The preset `demo` replaced by a run of seconds."""
    monkeypatch.setitem(PRESETS, "demo", SMALLEST)


def comparison(tmp_path: Path, *more: str, out: str = "out") -> list[str]:
    """A comparison of the two cheapest strategies with two seeds."""
    words = ["compare", "--strategies", "finetune", "gaussians", "--seeds", "0", "1", *more]
    return [*words, "--store", str(tmp_path / "store"), "--out", str(tmp_path / out)]


def test_compare_describes_itself_and_goes_on_from_the_store(tmp_path, capsys):
    arguments = comparison(tmp_path, "--processes", "1", "--set", "learn.lr=0.05")
    assert main(arguments) == 0
    capsys.readouterr()
    assert main(arguments) == 0
    assert capsys.readouterr().out.count("from the store") == 8
    found = json.loads((tmp_path / "out" / "compare.json").read_text())
    rows = found["rows"]
    assert [(of["strategy"], of["seed"]) for of in rows] == [(n, s) for s in (0, 1) for n in ("finetune", "gaussians")]
    for of in rows:
        leaf = Store(tmp_path / "store").load(of["leaf"], ())
        assert of["accuracy_after_each_task"] == leaf.record["total_accuracy"]["test"]
        assert of["final_accuracy"] == of["accuracy_after_each_task"][-1]
        assert of["validation_final_accuracy"] == leaf.record["total_accuracy"]["validation"][-1]
        assert of["head_lda"] == leaf.record["heads"]["lda"]["test"][-1]
        assert leaf.config.learn.lr == 0.05
    assert (found["kind"], found["split"], found["base"]["learn"]["lr"]) == ("compare", "test", 0.05)
    assert found["versions"]["torch"]
    assert reader.read(tmp_path / "out" / "compare.json").names == ["finetune", "gaussians"]  # the dashboard's
    repeat = found["command"].split()[3:]  # behind python -m cl_core
    assert main([*repeat, "--store", str(tmp_path / "store"), "--out", str(tmp_path / "again")]) == 0
    assert json.loads((tmp_path / "again" / "compare.json").read_text())["rows"] == rows
    table = (tmp_path / "out" / "compare.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in table[2:4]] == ["| finetune", "| gaussians"]
    assert "±" in table[2]
    assert len((tmp_path / "out" / "compare.csv").read_text().splitlines()) == 5


def test_several_processes_find_the_same_in_the_same_order(tmp_path):
    assert main(comparison(tmp_path, "--processes", "2")) == 0
    assert main(comparison(tmp_path, "--processes", "1", out="one")) == 0
    two, one = (json.loads((tmp_path / out / "compare.json").read_text()) for out in ("out", "one"))
    assert two["rows"] == one["rows"]


def test_a_run_that_fails_is_named_and_the_others_go_on(tmp_path, capsys, monkeypatch):
    from cl_core import experiment
    from cl_core.events import Diverged

    whole = experiment.learn

    def learn(snapshot, config):
        if (config.learn.strategy, config.machine.seed) == ("gaussians", 0):
            raise Diverged("The loss became NaN; halve the step size.")
        return (yield from whole(snapshot, config))

    monkeypatch.setattr(experiment, "learn", learn)
    assert main(comparison(tmp_path, "--processes", "1")) == 2
    assert one_sentence(capsys) == "1 of 4 runs failed. gaussians, seed 0: The loss became NaN; halve the step size."
    rows = json.loads((tmp_path / "out" / "compare.json").read_text())["rows"]
    assert [(of["strategy"], of["seed"]) for of in rows] == [("finetune", 0), ("finetune", 1), ("gaussians", 1)]


def test_a_process_that_is_gone_is_a_failure_of_its_run():
    future = Future()
    future.set_exception(BrokenProcessPool("A process was terminated abruptly"))
    assert "too little memory" in batch._result(future).sentence


def children_of(process: int) -> list[int]:
    """The ids of a process's children, from /proc."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are looked up in Linux's /proc")
def test_ctrl_c_ends_all_the_processes_and_keeps_the_finished_steps(tmp_path):
    small = [f"{section}.{name}={value}" for section, of in SMALLEST.items() for name, value in of.items()]
    settings = [word for assignment in [*small, "learn.epochs=400"] for word in ("--set", assignment)]
    command = [sys.executable, "-m", "cl_core", *comparison(tmp_path, "--processes", "2", *settings)]
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # also where the tests run in background
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, preexec_fn=heard) as running:
        limit = time.monotonic() + 240
        store = Store(tmp_path / "store")
        while not store.ids():  # a process has begun
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < limit
            time.sleep(0.05)
        children = children_of(running.pid)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=120)
    assert (running.returncode, said) == (130, "Stopped. The steps that were finished are kept.\n")
    assert len(children) >= 2
    while left := [child for child in children if Path(f"/proc/{child}").exists()]:
        assert time.monotonic() < limit, left
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("compare --strategies nonsense", "allowed are"),
        ("compare --strategies pmi finetune pmi", "named twice"),
        ("compare --strategy pmi", "--strategies"),
        ("compare --seed 1", "--seeds"),
        ("compare --seeds 1 2 1", "seed 1 is given twice"),
        ("compare --seeds 0 -2", "Seed"),
        ("compare --processes 0", "--processes"),
        ("compare --set stream.data=mars", "mars"),
        ("ablate --only nothing", "allowed are as it is, no layer-wise inversion"),
        ("ablate --seeds 3 3", "seed 3 is given twice"),
    ],
)
def test_what_is_wrong_with_many_runs_is_told_before_the_first(tmp_path, capsys, arguments, words):
    assert main([*arguments.split(), "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]) == 2
    assert words in one_sentence(capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["paper", "quality"])
def test_every_row_of_ablate_is_a_config_of_its_own(name):
    base = preset(name)
    configs = [base.override(changes) for changes in ablate.variants(base).values()]
    assert len(set(configs)) == len(configs) > 20
    assert configs[0] == base


def test_ablate_stands_beside_the_method_as_it_is_in_files_of_its_own(tmp_path):
    out = tmp_path / "out"
    some = ["--only", "drift: affine", "--seeds", "0", "--processes", "1", "--set", "learn.drift=re-estimate"]
    assert main(["ablate", *some, "--store", str(tmp_path / "store"), "--out", str(out)]) == 0
    assert sorted(file.name for file in out.iterdir()) == ["ablate.csv", "ablate.json", "ablate.md"]
    found = json.loads((out / "ablate.json").read_text())
    assert [of["variant"] for of in found["rows"]] == ["as it is", "drift: affine"]
    assert found["changes"] == {"as it is": {}, "drift: affine": {"learn": {"drift": "affine"}}}
    assert "| drift: affine |" in (out / "ablate.md").read_text()
    assert reader.read(out / "ablate.json").effects("head_lda")["drift: affine"].count == 1
    assert main(["ablate", "--only", "drift: re-estimate", "--set", "learn.drift=re-estimate"]) == 2  # changes nothing
