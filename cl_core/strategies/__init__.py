"""The strategies by name. A new one is one file in this folder with one decorated class, imported below."""

from cl_core.strategies import finetune, lwf, deepinversion, generator, pmi, pmi_cfs, gaussians  # noqa: F401, I001
from cl_core.strategies import replay, replay_bytes, joint  # noqa: F401
from cl_core.strategies.base import Batch, Strategy, configure, describe, get, names

__all__ = ["Batch", "Strategy", "configure", "describe", "get", "names"]
