"""One seed → independent, named streams of random numbers. Nothing here touches the global random state."""

import hashlib

import torch


def generator(seed: int, *names: str | int) -> torch.Generator:
    """A CPU generator for one purpose. The same seed and names give the same numbers on any device."""
    key = "/".join(str(part) for part in (seed, *names))
    return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big"))
