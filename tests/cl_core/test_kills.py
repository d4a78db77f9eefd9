"""The kill trial: nothing is lost, and the trial would see it if it were."""

import time
from multiprocessing.connection import Connection
from pathlib import Path

from cl_core import files
from cl_core.__main__ import main
from cl_core.commands import kills, together


def careless(folder: Path, number: int, pipe: Connection) -> None:
    """What a store would do that writes files where they belong at once, piece by piece."""

    def write(file: Path, content: bytes) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        mark = file.with_name(f".{file.name}.part")
        mark.touch()  # so that the trial sees when to kill
        with file.open("wb", buffering=0) as stream:
            for start in range(0, len(content), 1000):
                stream.write(content[start : start + 1000])
                time.sleep(0.0001)
        mark.unlink()

    files.write_whole = write
    kills.savings(folder, number, pipe)


def test_kills_while_saving_lose_nothing():
    """About a third of the kills fall into saving, and at least one must."""
    for seed in range(8):
        counts = kills.of_saving(6, seed)
        assert counts.nothing_lost
        if counts.half_written:
            return
    raise AssertionError("None of 48 kills fell into saving.")


def test_the_trial_tells_what_it_counted(capsys):
    assert main(["store", "trial", "--saving", "--kills", "1"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("1 kills in ")
    assert "Damaged stores: 0. Finished steps that vanished: 0 of " in told
    assert "Next starts that failed: 0 of 2." in told


def test_the_trial_finds_a_store_that_can_be_damaged():
    counts = kills.trial(6, 0, careless, 0.05)
    assert counts.damaged > 0
    assert not counts.nothing_lost


def test_processes_that_share_a_store_lose_nothing():
    counts = together.trial(3, 4, together.savings)
    assert counts.nothing_lost, counts
    assert (counts.steps, counts.saved) == (24, 72)


def test_a_step_that_vanishes_and_a_process_that_fails_are_counted():
    counts = together.trial(2, 1, _spoils)
    assert not counts.nothing_lost
    assert (counts.failed, counts.vanished) == (2, 1)


def _spoils(folder, streams, pipe):
    pipe.send(("a0", []))
    raise SystemExit(1)
