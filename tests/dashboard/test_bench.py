"""What the bench says of its measurements, and what it says where it cannot measure. The browser itself is not run."""

import json
import sys

import pytest

from dashboard import bench
from dashboard.__main__ import main
from dashboard.bench import BenchError, Measure


def test_medians_stand_beside_their_bars():
    slow, quick = Measure("slow", 0.3, [0.2, 0.9, 0.4]), Measure("quick", 0.6, [0.1, 0.7, 0.2])
    told = Measure("told", None, [2.0])
    assert [one.holds for one in (slow, quick, told)] == [False, True, None]
    lines = bench.table([slow, quick, told]).splitlines()
    assert "0.40 s" in lines[1]
    assert lines[1].endswith("(0.20 … 0.90)  MISSED")
    assert lines[2].endswith("holds")
    rows = json.loads(bench.as_json([slow, told]))["measures"]
    assert [(row["median"], row["bar"]) for row in rows] == [(0.4, 0.3), (2.0, None)]


def test_without_a_browser_or_its_driver_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(bench.shutil, "which", lambda name: None)
    with pytest.raises(BenchError, match="No browser was found"):
        bench.measure(1)
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    monkeypatch.setattr(sys, "argv", ["dashboard", "bench"])
    assert main() == 2
    assert "pip install playwright" in capsys.readouterr().err


def test_a_number_of_repeats_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(sys, "argv", ["dashboard", "bench", "--repeats", "0"])
    with pytest.raises(SystemExit):
        main()
    assert "1 to 100 are allowed" in capsys.readouterr().err
