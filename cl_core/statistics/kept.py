"""The moments that data-free learning keeps of the tasks it has seen, as arrays by name (METHOD.md §3)."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from cl_core.backbones import Backbone
from cl_core.config import ConfigError
from cl_core.statistics.moments import Moments, measure_moments


class KeptStatistics:
    """`task{t}/input{i}`: of layer i's inputs, by channel, over a task; `class{c}/input{i}`: by channel and position,

    of a class; `task{t}/norm{i}`: of what normalisation i received in a task. Three arrays each: count, mean,
    mean_square.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.arrays = dict(arrays)

    def measure(
        self, network: Backbone, images: Tensor, labels: Tensor, task: int, classes: Sequence[int], kind: str
    ) -> None:
        """Keep the statistics of a task's images (n, c, h, w), normalised: `kind` is channel or class-position."""
        inputs, norms = measure_moments(network, images, "channel")
        found = {f"task{task}/norm{i}": m for i, m in enumerate(norms)}
        if kind == "channel":
            found |= {f"task{task}/input{i}": m for i, m in enumerate(inputs)}
        else:
            for c in classes:
                by_position, _ = measure_moments(network, images[labels == c], "position")
                found |= {f"class{c}/input{i}": m for i, m in enumerate(by_position)}
        for name, moments in found.items():
            if f"{name}/mean" in self.arrays:  # of a class in earlier domains
                moments = self.moments(name, images.device).merge(moments)
            self.arrays[f"{name}/count"] = np.array(moments.count, np.int64)
            self.arrays[f"{name}/mean"] = moments.mean.cpu().numpy()
            self.arrays[f"{name}/mean_square"] = moments.mean_square.cpu().numpy()

    def by_class(self, classes: Sequence[int]) -> bool:
        """Whether statistics are kept of each of these classes."""
        return all(f"class{c}/input0/mean" in self.arrays for c in classes)

    def of_task(self, task: int, classes: Sequence[int]) -> bool:
        """Whether something is kept of a task and its classes, which joint training does of the last one only."""
        return any(name.startswith(f"task{task}/") for name in self.arrays) or self.by_class(classes)

    def moments(self, name: str, device: torch.device) -> Moments:
        """Raises ConfigError when the name is not kept, because tasks were learned with different settings."""
        if f"{name}/mean" not in self.arrays:
            raise ConfigError(
                "Some tasks kept channel statistics and others class-position: choose one for all of them."
            )
        mean, square = (torch.tensor(self.arrays[f"{name}/{key}"], device=device) for key in ("mean", "mean_square"))
        return Moments(int(self.arrays[f"{name}/count"]), mean, square)

    def merged(self, names: Sequence[str], device: torch.device) -> Moments:
        """Moments of all these samples together (METHOD.md §3)."""
        merged = self.moments(names[0], device)
        for name in names[1:]:
            merged = merged.merge(self.moments(name, device))
        return merged
