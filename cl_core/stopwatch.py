"""The seconds that a computation takes, where other programs compute beside it."""

import time

import torch


def seconds() -> float:
    """CPU seconds of this process, which others do not change much; with a GPU, those of the wall, once it is done."""
    if not torch.cuda.is_available():
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()
