"""Presets: what they say of the paper's settings, `--tasks`, and the question before what is made for a GPU."""

import shlex
from pathlib import Path

import pytest

from cl_core.__main__ import main
from cl_core.commands import duration, options
from cl_core.commands.run import command_line
from cl_core.config import Config, ConfigError, differences
from cl_core.presets import BY_TASKS, FOR_A_GPU, PRESETS, preset
from cl_core.stream import TaskStream

SMALLEST = {
    "stream": {"increment": 5, "train_per_class": 4},
    "network": {"width": 8, "blocks": 1, "stem_stride": 2},
    "learn": {"epochs_first": 1, "epochs": 1, "head_epochs": 0, "stage_epochs": 0, "balance_epochs": 1},
    "invert": {"iterations_per_layer": 1, "full_iterations": 2, "images_per_class": 2, "cfs_epochs": 1},
}
HEAVY = "paper-cifar100"


def config_of(arguments: str) -> Config:
    """The config that `run` would have."""
    import argparse

    parser = argparse.ArgumentParser()
    options.add_config_options(parser)
    options.add_tasks_option(parser)
    return options.config_from(parser.parse_args(shlex.split(arguments)))


def test_the_papers_presets_change_nothing_that_is_the_method():
    changed = {(section, name) for section, name, *_ in differences(Config(), preset("paper"))}
    epochs = {("learn", f"{name}epochs{end}") for name, end in (("", "_first"), ("head_", ""), ("stage_", ""))}
    epochs |= {("learn", "epochs"), ("learn", "balance_epochs")}
    size = {("network", "blocks"), ("network", "stem_stride"), ("stream", "train_per_class")}
    assert changed == epochs | size | {("invert", "images_per_class")}
    on_cifar = {(section, name) for section, name, *_ in differences(Config(), preset(HEAVY))}
    assert not {section for section, _ in on_cifar} & {"network", "learn"}
    assert FOR_A_GPU <= set(PRESETS) >= set(BY_TASKS)


@pytest.mark.parametrize(("tasks", "increment"), [(5, 20), (10, 10), (20, 5)])
def test_the_number_of_tasks_of_the_papers_experiment_can_be_chosen(tasks, increment):
    config = config_of(f"--preset {HEAVY} --tasks {tasks}")
    assert config.stream.increment * tasks == 100
    assert config.stream.increment == increment
    # as many images over the stream as the paper makes (METHOD.md §7)
    first, further = {5: (6000, 5000)}.get(tasks, (3000, 2000))
    if tasks < 20:
        wanted = sum(first + further * t for t in range(tasks - 1))
        made = sum(increment * (t + 1) * config.invert.images_per_class for t in range(tasks - 1))
        assert made == pytest.approx(wanted, rel=0.01)
    with pytest.raises(ConfigError, match="--tasks is 7; the preset paper-cifar100 is for 5, 10, 20 tasks"):
        config_of(f"--preset {HEAVY} --tasks 7")


@pytest.mark.parametrize("tasks", [1, 2, 3, 4, 5, 10])
def test_the_classes_of_other_presets_are_shared_out(tasks):
    config = config_of(f"--tasks {tasks}")
    assert len(TaskStream(config.stream, 0)) == tasks
    assert (
        config_of(f"--tasks {tasks} --set stream.order=1,2,3,4,5,6,7,8,9,0").stream.increment == config.stream.increment
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--tasks 6", "10 classes can be shared out to 1, 2, 3, 4, 5, 10 tasks"),
        ("--tasks 0", "--tasks is 0"),
        ("--tasks 2 --set stream.first=4", "--set"),
        ("--preset best", "paper-cifar100 and defaults"),
    ],
)
def test_what_cannot_be_is_a_sentence(arguments, words):
    with pytest.raises(ConfigError, match=words):
        config_of(arguments)


def test_the_command_that_reproduces_a_run_does_not_lean_on_a_preset(monkeypatch):
    config = preset("demo").override({"stream": {"order": (3, 1, 2), "first": 2, "increment": 1}})
    command = command_line(config, Path("runs/store"))
    for name in PRESETS:
        monkeypatch.setitem(PRESETS, name, {"learn": {"epochs": 1}})
    again = config_of(" ".join(command.split()[4:]).replace("--store runs/store", ""))
    assert again == config
    assert "stream.order=3,1,2" in command


@pytest.fixture
def heavy(monkeypatch, tmp_path) -> list[str]:
    """The arguments of a run of the preset for a GPU, which is as small here as can be."""
    monkeypatch.setitem(PRESETS, HEAVY, SMALLEST)
    places = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    return ["run", "--preset", HEAVY, "--set", "machine.device=cpu", *places]


@pytest.mark.parametrize("command", ["run", "compare", "ablate"])
def test_without_anyone_to_ask_it_says_how_long_it_would_take_and_stops(heavy, capsys, tmp_path, command):
    assert main([command, *heavy[1:]]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "on this CPU it would take about 1 min" in said
    assert "--yes" in said
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(("answer", "starts"), [("n", False), ("", False), ("y", True)])
def test_it_asks_and_does_as_it_is_told(heavy, capsys, monkeypatch, tmp_path, answer, starts):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert main([*heavy, "--strategy", "finetune"]) == 0
    assert ("Nothing was started" in capsys.readouterr().out) != starts
    assert (tmp_path / "out" / "run.json").exists() == starts


def test_yes_starts_it_unasked(heavy, tmp_path):
    assert main([*heavy, "--yes", "--strategy", "finetune"]) == 0
    assert (tmp_path / "out" / "run.json").exists()


def test_data_that_is_not_there_is_said_before_anything_else(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("INVERSION_LAB_DATA", str(tmp_path))
    assert main(["run", "--preset", HEAVY, "--out", str(tmp_path / "out")]) == 2
    assert "python -m cl_core data cifar-100 --fetch" in capsys.readouterr().err


def test_the_estimate_grows_with_the_work():
    config = Config().override(SMALLEST)
    stream = TaskStream(config.stream, 0)
    more = config.override({"learn": {"epochs": 400, "epochs_first": 400}, "invert": {"full_iterations": 2000}})
    assert 0 < 20 * duration.seconds(config, stream) < duration.seconds(more, stream)
    assert [duration.in_words(s) for s in (5, 600, 3 * 3600, 3 * 86400)] == ["1 min", "10 min", "3 hours", "3 days"]
