"""How a setting describes itself, and how it is checked against that description."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any


class ConfigError(ValueError):
    """A setting is out of range. The message is one sentence for people: what was wrong, what is allowed."""


def setting(
    default: Any,
    help: str,
    *,
    label: str,
    group: str,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    options: tuple[str, ...] = (),
    front: bool = False,
    later: bool = False,
) -> Any:
    """A dataclass field whose metadata tells a form how to draw it and `validate` how to check it.

    group: the question that the control answers; front: shown before the rest is unfolded; options: allowed words;
    later: there were steps before there was this setting (see `identity`).
    """
    keys = {"help": help, "label": label, "group": group, "low": low, "high": high, "step": step}
    return field(default=default, metadata={**keys, "options": options, "front": front, "later": later})


def identity(section: Any) -> dict[str, Any]:
    """The settings of a section that the name of a step depends on, as plain data.

    One that came later only where it is not at its default: steps from before it keep their names.
    """
    values = dataclasses.asdict(section)
    silent = [f.name for f in dataclasses.fields(section) if f.metadata["later"] and values[f.name] == f.default]
    return {name: value for name, value in values.items() if name not in silent}


def validate(section: Any) -> None:
    """Check every field of a config section against its own metadata. Raises ConfigError."""
    for f in dataclasses.fields(section):
        value, meta = getattr(section, f.name), f.metadata
        where = f"“{meta['label']}” ({f.name})"
        if meta["options"]:
            if value not in meta["options"]:
                raise ConfigError(f"{where} is {value!r}; allowed are {', '.join(meta['options'])}.")
        elif isinstance(f.default, bool):
            if not isinstance(value, bool):
                raise ConfigError(f"{where} is {value!r}; allowed are true and false.")
        elif isinstance(f.default, int | float):
            _validate_number(value, whole=isinstance(f.default, int), where=where, meta=meta)
        elif isinstance(f.default, tuple):
            if not isinstance(value, tuple):
                raise ConfigError(f"{where} is {value!r}; it must be a list of whole numbers.")
            for item in value:
                _validate_number(item, whole=True, where=where, meta=meta)
        elif not isinstance(value, str):
            raise ConfigError(f"{where} is {value!r}; it must be text.")


def _validate_number(value: Any, whole: bool, where: str, meta: Mapping[str, Any]) -> None:
    kind = "a whole number" if whole else "a number"
    wanted = f"it must be {kind} from {meta['low']:g} to {meta['high']:g}."
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not math.isfinite(value):
        raise ConfigError(f"{where} is {value!r}; {wanted}")
    if not meta["low"] <= value <= meta["high"]:
        raise ConfigError(f"{where} is {value:g}; {wanted}")
