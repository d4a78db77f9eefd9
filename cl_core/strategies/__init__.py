"""The strategies by name. A new one is one file in this folder with one decorated class, imported below."""

from cl_core.strategies import finetune, pmi  # noqa: F401  (importing registers them)
from cl_core.strategies.base import Batch, Strategy, describe, get, names

__all__ = ["Batch", "Strategy", "describe", "get", "names"]
