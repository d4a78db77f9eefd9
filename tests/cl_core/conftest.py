"""Tests compute on one thread: two processes with two threads each stand in each other's way on two cores."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)
