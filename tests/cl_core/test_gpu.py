"""On a GPU, where there is one, in processes of their own: all other tests are of the CPU."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="there is no NVIDIA GPU on this machine")
SMALL = (
    "stream.train_per_class=120", "stream.increment=4", "network.width=8", "learn.epochs_first=4", "learn.epochs=3",
    "learn.balance_epochs=3", "invert.images_per_class=10", "invert.iterations_per_layer=4",
    "invert.full_iterations=25",
)  # fmt: skip


def _run(folder: Path, device: str) -> tuple[dict[str, Any], bytes]:
    """The measures of a run on test images, and a sheet of its synthetic images."""
    environment = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    settings = [part for setting in (*SMALL, f"machine.device={device}") for part in ("--set", setting)]
    command = [sys.executable, "-m", "cl_core", "run", "--preset", "demo", *settings]
    command += ["--store", str(folder / "store"), "--out", str(folder / "out")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    found = json.loads((folder / "out" / "run.json").read_text())["measures"]["test"]
    return found, (folder / "out" / "synthetic-after-task-3.png").read_bytes()


def test_a_gpu_finds_what_the_cpu_finds_and_the_same_each_time(tmp_path: Path):
    (once, images), (again, same), (by_cpu, _) = (
        _run(tmp_path / name, device) for name, device in (("once", "cuda"), ("again", "cuda"), ("cpu", "cpu"))
    )
    assert once["accuracy_matrix"] == again["accuracy_matrix"]
    assert images == same
    assert once["final_accuracy"] == pytest.approx(by_cpu["final_accuracy"], abs=0.05)
