"""Images in their three units: bytes (0 … 255), unit (0 … 1) and normalised (zero mean, unit deviation)."""

import math

import numpy as np
import torch
from torch import Tensor


class Normaliser:
    """Unit images ↔ what the network sees. mean, std: one number a channel, in unit values."""

    def __init__(self, mean: np.ndarray, std: np.ndarray, device: torch.device) -> None:
        self.mean = torch.tensor(mean, dtype=torch.float32, device=device).view(1, -1, 1, 1)
        self.std = torch.tensor(std, dtype=torch.float32, device=device).view(1, -1, 1, 1)

    def __call__(self, unit: Tensor) -> Tensor:
        return (unit - self.mean) / self.std

    def inverse(self, normalised: Tensor) -> Tensor:
        return normalised * self.std + self.mean


def from_bytes(images: np.ndarray, device: torch.device) -> Tensor:
    """uint8 (n, c, h, w) → unit images on a device."""
    return torch.tensor(images, device=device).float() / 255


def to_bytes(unit: Tensor) -> np.ndarray:
    """Unit images (n, c, h, w) → uint8 (n, h, w, c), for looking at."""
    return (unit.detach().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def as_maps(x: Tensor) -> list[Tensor]:
    """An activation as maps (n, c, h, w): a map as it is; tokens (n, t, w) as two, for the class token, which is the

    first of them, lives apart from the patches: (n, w, 1, 1) and (n, w, 1, t − 1).
    """
    if x.dim() == 4:
        return [x]
    tokens = x.transpose(1, 2)[:, :, None]  # (n, w, 1, t)
    return [tokens[..., :1], tokens[..., 1:]]


def activations_to_bytes(x: Tensor) -> np.ndarray:
    """The mean over channels of each activation (n, c, h, w), stretched to 0 … 255: uint8 (n, h, w, 1).

    Of tokens (n, t, w) the patches are shown, where they lie in the image.
    """
    maps = as_maps(x.detach())[-1].mean(1, keepdim=True)
    side = math.isqrt(maps[0].numel())
    if x.dim() == 3 and side * side == maps[0].numel():
        maps = maps.view(-1, 1, side, side)
    low, high = maps.amin((1, 2, 3), keepdim=True), maps.amax((1, 2, 3), keepdim=True)
    return to_bytes((maps - low) / (high - low).clamp_min(1e-6))
