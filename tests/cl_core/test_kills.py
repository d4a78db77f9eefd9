"""The kill trial: nothing is lost, and the trial would see it if it were."""

import time
from multiprocessing.connection import Connection
from pathlib import Path

from cl_core import files
from cl_core.__main__ import main
from cl_core.commands import kills


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


def test_kills_while_saving_lose_nothing(capsys):
    assert main(["store", "trial", "--saving", "--kills", "6"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("6 kills in ")
    assert "; 0 of them left" not in told  # some did fall into saving
    assert "Damaged stores: 0. Finished steps that vanished: 0 of " in told
    assert "Next starts that failed: 0 of 7." in told


def test_the_trial_finds_a_store_that_can_be_damaged():
    counts = kills.trial(6, 0, careless, 0.05)
    assert counts.damaged > 0
    assert not counts.nothing_lost
