"""What an experiment is made of, as frozen dataclasses.

The defaults are the paper's settings (METHOD.md §4–7, †). A preset overrides them (presets.py). Every field carries
its label, its range and one sentence of help, so that a form can be drawn and a value checked from the same place.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cl_core.config.experiment import MachineConfig, NetworkConfig, StreamConfig
from cl_core.config.invert import InvertConfig
from cl_core.config.learn import LearnConfig
from cl_core.config.settings import ConfigError, identity
from cl_core.config.unseen import UnseenConfig

__all__ = [
    "Config",
    "ConfigError",
    "InvertConfig",
    "LearnConfig",
    "MachineConfig",
    "NetworkConfig",
    "StreamConfig",
    "UnseenConfig",
    "differences",
    "identity",
]


@dataclass(frozen=True)
class Config:
    """All sections. `stream`, `network` and `machine` are fixed by the root of a tree; each verb brings its own."""

    stream: StreamConfig = field(default_factory=StreamConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    learn: LearnConfig = field(default_factory=LearnConfig)
    invert: InvertConfig = field(default_factory=InvertConfig)
    machine: MachineConfig = field(default_factory=MachineConfig)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Plain data, JSON-ready."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Config":
        """The inverse of `to_dict`; sections and fields left out keep their defaults. Raises ConfigError."""
        return Config().override(plain)

    def override(self, changes: Mapping[str, Any]) -> "Config":
        """A copy with `changes` = {section: {field: value}}. Raises ConfigError on an unknown name or a bad value."""
        sections = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        for name, values in changes.items():
            if name not in sections:
                raise ConfigError(f"There is no section “{name}”; allowed are {', '.join(sections)}.")
            known = [f.name for f in dataclasses.fields(sections[name])]
            if not isinstance(values, Mapping) or set(values) - set(known):
                raise ConfigError(f"“{name}” has a setting that does not exist; it knows {', '.join(known)}.")
            plain = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            sections[name] = dataclasses.replace(sections[name], **plain)
        return Config(**sections)


def differences(a: Config, b: Config) -> list[tuple[str, str, Any, Any]]:
    """The settings in which two configs differ: (section, field, value in a, value in b)."""
    pairs = [(section, name) for section, values in a.to_dict().items() for name in values]
    values = [(s, n, getattr(getattr(a, s), n), getattr(getattr(b, s), n)) for s, n in pairs]
    return [row for row in values if row[2] != row[3]]
