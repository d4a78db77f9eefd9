"""Memory: estimated from shapes, true within a factor of two, and what does not fit is refused before it starts."""

import dataclasses
import subprocess
import sys

import pytest

from cl_core import ahead, experiment, memory
from cl_core.__main__ import main
from cl_core.commands.kills import TINY
from cl_core.config import Config, ConfigError
from cl_core.snapshot import Snapshot

MEDIUM = (
    "network.blocks=2", "network.width=24", "stream.train_per_class=40", "learn.epochs_first=1",
    "invert.images_per_class=130", "invert.selection=random", "invert.iterations_per_layer=1",
    "invert.full_iterations=1",
)  # fmt: skip
FASHION = memory.Material((1, 28, 28), 1000, 2000)


@pytest.fixture
def root() -> Snapshot:
    return experiment.start(Config().override(TINY))


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 50e6)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_the_estimate_is_within_a_factor_of_two_of_the_peak():
    command = [sys.executable, "-m", "cl_core", "memory", "--preset", "defaults", "--measure", "2"]
    for setting in MEDIUM:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout.count("measured") == 2, done.stderr
    assert done.returncode == 0, done.stdout  # 1: it is off by more


def test_what_does_not_fit_is_refused_with_a_sentence_that_names_a_setting(root: Snapshot, little: None):
    large = root.config.override({"learn": {"batch_size": 1024}, "network": root.config.to_dict()["network"]})
    with pytest.raises(ConfigError, match=r"Learning task 1 would take about .* lower “"):
        next(experiment.grow(root, "learn", large))


def test_a_whole_run_is_refused_before_its_first_step(capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1.5e9)
    words = ["run", "--preset", "demo", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    assert main([*words, "--set", "invert.images_per_class=2000", "--yes"]) == 2
    told = capsys.readouterr()
    assert "Inverting after task 1 would take about" in told.err
    assert "lower “Images in a batch”" in told.err
    assert "Task 1: learned" not in told.out


def test_where_nobody_knows_and_on_a_gpu_nothing_is_refused(root: Snapshot, monkeypatch: pytest.MonkeyPatch):
    steps = ahead.remaining(root, "pmi")
    monkeypatch.setattr(memory, "available", lambda: None)
    assert memory.refusal(steps, root.config, root, FASHION) is None
    monkeypatch.setattr(memory, "available", lambda: 1.0)
    assert memory.refusal(steps, root.config, root, FASHION) is not None
    there = dataclasses.replace(root, record=dict(root.record) | {"device": "cuda"})
    assert memory.refusal(steps, root.config, there, FASHION) is None


def test_a_container_s_limit_counts(tmp_path):
    for name, text in (
        ("memory.max", "1000\n"),
        ("memory.current", "700\n"),
        ("memory.stat", "anon 1\nactive_file 50\n"),
    ):
        (tmp_path / name).write_text(text)
    assert memory._control_group(tmp_path) == 350
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._control_group(tmp_path) is None


def test_more_of_anything_takes_more(root: Snapshot):
    def need(verb: str, **changes: object) -> float:
        config = Config().override(changes)
        return memory.of_step((verb, 1), config, root, FASHION).total

    for section, name, less, more in (
        ("network", "width", 8, 32), ("network", "blocks", 1, 5), ("network", "pool", 1, 4),
        ("invert", "images_per_class", 10, 300), ("stream", "train_per_class", 100, 1000),
    ):  # fmt: skip
        assert need("invert", **{section: {name: less}}) < need("invert", **{section: {name: more}}), name
    assert need("learn", learn={"batch_size": 16}) < need("learn", learn={"batch_size": 512})


def test_a_clip_takes_what_its_towers_take(root: Snapshot):
    def need(name: str) -> memory.Need:
        network = {"backbone": "clip", "clip": name}
        config = root.config.override({"network": network, "invert": {"images_per_class": 100}})
        return memory.of_step(("invert", 1), config, root, FASHION)

    small, base, large = (need(name) for name in ("small-clip", "ViT-B-32", "ViT-L-14"))
    assert 100e6 < small.total < 2e9
    assert small.total * 15 < base.total < large.total / 4
    assert large.parts[memory.CLIP] > 428e6 * 4  # its weights
    assert need("no such CLIP").total == large.total


def test_no_more_images_count_than_the_data_has(root: Snapshot):
    config = root.config.override({"stream": {"train_per_class": 5000}})
    few, many = (memory.Material((1, 28, 28), each, 2000) for each in (100, 5000))
    needs = [memory.of_step(("learn", 0), config, root, data).parts[memory.IMAGES] for data in (few, many)]
    assert needs[1] == 50 * needs[0]
    assert memory.material_of("fashion-mnist") == FASHION


def test_what_the_program_still_has_to_import_must_fit_too(root: Snapshot, monkeypatch: pytest.MonkeyPatch):
    steps = ahead.remaining(root, "pmi")[:1]
    monkeypatch.setattr(memory, "available", lambda: memory.TO_IMPORT + memory.FLOOR)
    assert memory.refusal(steps, root.config, root, FASHION) is None
    monkeypatch.delitem(sys.modules, "torch")
    assert memory.refusal(steps, root.config, root, FASHION) is not None


def test_no_step_takes_less_than_the_floor():
    assert memory.Need({"“Batch size”": 5.0}).total == memory.FLOOR
