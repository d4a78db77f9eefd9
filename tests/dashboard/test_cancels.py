"""Cancel within a second, in every stage of the work; here with the smallest experiment and the real core."""

import time

import pytest
import torch
from test_job import wait

from cl_core import backbones
from cl_core.commands.kills import TINY
from cl_core.config import Config
from cl_core.pulse import Stopped, listening
from cl_core.seeding import generator
from dashboard import cancels, work
from dashboard.job import Registry

AT_MOST = 3.0  # seconds, on a machine that tests in parallel; `python -m dashboard cancel` has the bar of 1 s


def test_every_stage_can_be_cancelled_at_once():
    config = Config().override(TINY).override({"learn": {"balance_epochs": 2}, "invert": {"selection": "cfs"}})
    stages = list(cancels.measure(config, 1, ("learn", "invert", "comparison")))  # test_projections.py has UMAP
    assert {"learn", "balance", "statistics", "layer", "refine", "measure"} <= {stage.name for stage in stages}
    assert "comparing two steps" in {stage.title for stage in stages}
    assert sum(bool(stage.cancelled) for stage in stages) > len(stages) // 2  # the others are over too soon
    for stage in stages:
        assert max([stage.quiet or 0.0, *stage.cancelled]) < AT_MOST, cancels.line(stage)


@pytest.mark.parametrize("at", ["forward", "backward"])
def test_a_deep_network_is_left_in_the_middle_of_a_pass(at: str):
    """A pass with many images takes longer than a second; each of its layers asks whether to go on."""
    config = Config().network  # 16 layers
    backbone = backbones.build(config, (1, 8, 8), 2, generator(0, "network"))
    images, heard = torch.zeros(2, 1, 8, 8, requires_grad=True), list[int]()

    def wanted() -> bool:
        heard.append(1)
        return len(heard) == (9 if at == "forward" else 16 + 9)

    with listening(wanted), pytest.raises(Stopped):
        backbone.features(images).sum().backward()
    assert (images.grad is None) == (len(heard) < 2 * 16)
    backbone.features(images).sum().backward()  # nobody listens any more
    assert images.grad is not None


def test_cancel_during_the_import_of_the_core_does_not_wait_for_it(monkeypatch):
    monkeypatch.setattr(work, "_import", lambda: time.sleep(2))
    registry = Registry()
    job = registry.submit("work", lambda: work.begin(Config(), None))  # type: ignore[arg-type]
    wait(job, "running")
    began = time.monotonic()
    registry.cancel(job)
    wait(job, "cancelled")
    assert time.monotonic() - began < 1.0
