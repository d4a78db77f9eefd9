"""A path through the tree as plain data: how to make the same snapshots again, mixed settings included.

{"format": 1, "experiment": {section: {field: value}}, "steps": [{"verb": "learn", "config": {section: …}}, …]}

`experiment` is what differs from the defaults in the config of the root; the config of a step is what differs from that
of the step before. A field that is left out is as it was.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from cl_core.config import Config, ConfigError, differences
from cl_core.snapshot import Snapshot

FORMAT = 1
VERBS = ("learn", "invert")
STEPS, BYTES = 1000, 4_000_000  # more is no recipe


@dataclass(frozen=True)
class Recipe:
    """The config of the root, and each step's verb and config."""

    experiment: Config
    steps: tuple[tuple[str, Config], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, JSON-ready."""
        before, steps = self.experiment, []
        for verb, config in self.steps:
            steps.append({"verb": verb, "config": _changes(before, config)})
            before = config
        return {"format": FORMAT, "experiment": _changes(Config(), self.experiment), "steps": steps}

    def to_json(self) -> str:
        """As a file holds it."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n"


def of(path: Sequence[Snapshot]) -> Recipe:
    """The recipe of a path, root first."""
    return Recipe(path[0].config, tuple((step.verb, step.config) for step in path[1:]))


def one_config(path: Sequence[Snapshot]) -> Config | None:
    """The config under which a plain run walks along this path (and on, to the end of the stream); None: mixed."""
    sections: dict[str, Any] = {}
    for parent, step in pairwise(path):
        used = step.config.to_dict()[step.verb]
        if step.verb != parent.next_verb or sections.setdefault(step.verb, used) != used:
            return None
    return path[0].config.override(sections)


def read(file: Path) -> Recipe:
    """The recipe in a file. Raises ConfigError with a sentence."""
    try:
        if file.exists() and not file.is_file():
            raise ConfigError(f"{file} is not a file.")
        if file.stat().st_size > BYTES:
            raise ConfigError(f"{file} is too large for a list of steps.")
        return from_dict(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror or error}).") from error
    except ConfigError:
        raise
    except (ValueError, RecursionError) as error:  # no text, no JSON, or a number of thousands of digits
        raise ConfigError(f"{file} is no list of steps: it is not JSON.") from error


def from_dict(plain: Any) -> Recipe:
    """The inverse of `to_dict`. Raises ConfigError."""
    if not isinstance(plain, Mapping) or plain.get("format") != FORMAT:
        raise ConfigError(f"This is no list of steps of format {FORMAT}; `export` and the app write such lists.")
    steps, wanted = plain.get("steps"), plain.get("experiment")
    if not isinstance(steps, list) or len(steps) > STEPS or not isinstance(wanted, Mapping):
        raise ConfigError(f"A list of steps has “experiment”, settings, and “steps”, at most {STEPS} of them.")
    config = experiment = Config().override(wanted)
    taken: list[tuple[str, Config]] = []
    for number, step in enumerate(steps, 1):
        if (
            not isinstance(step, Mapping)
            or step.get("verb") not in VERBS
            or not isinstance(step.get("config"), Mapping)
        ):
            raise ConfigError(f"Step {number} must have a “verb” ({' or '.join(VERBS)}) and a “config”.")
        try:
            config = config.override(step["config"])
        except ConfigError as error:
            raise ConfigError(f"Step {number}: {error}") from error
        taken.append((step["verb"], config))
    return Recipe(experiment, tuple(taken))


def _changes(before: Config, after: Config) -> dict[str, dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    rows: Iterable[tuple[str, str, Any, Any]] = differences(before, after)
    for section, name, _, value in rows:
        changes.setdefault(section, {})[name] = list(value) if isinstance(value, tuple) else value
    return changes
