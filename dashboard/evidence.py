"""Comparisons, ablations and races that were measured: where they are, and what is in them. No Streamlit, no torch."""

import json
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cl_core import strategies
from cl_core.config import ConfigError
from cl_core.datasets import ASSETS

SHIPPED = ASSETS / "evidence"
OWN = Path("runs")  # where the commands write unless told otherwise
Row = Mapping[str, Any]

# What a row must have, and the column that says what it is a row of.
KINDS: dict[str, tuple[str, ...]] = {
    "compare": (
        "strategy", "seed", "final_accuracy", "average_incremental_accuracy", "accuracy_after_each_task",
        "head_linear", "head_refit", "head_lda", "seconds_learn", "seconds_invert", "kept_bytes", "data_free",
    ),
    "race": ("racer", "seed", "units", "seconds", "objective", "oracle_accuracy", "pixel_variance"),
    "ablate": ("variant", "seed", "final_accuracy", "head_linear", "head_refit", "head_lda"),
}  # fmt: skip
NAMED_BY = {"compare": "strategy", "race": "racer", "ablate": "variant"}
AS_IT_IS = "as it is"  # the row of an ablation that changes nothing


class EvidenceError(RuntimeError):
    """Results cannot be read. The message is one sentence for people."""


@dataclass(frozen=True)
class Evidence:
    """The rows of one command, and what it says of them: kind, command, split, versions, base …

    chosen: what to draw of it; empty for all.
    """

    kind: str
    facts: Mapping[str, Any]
    rows: tuple[Row, ...]
    chosen: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        """What was measured, in the order of the file."""
        return list(dict.fromkeys(row[NAMED_BY[self.kind]] for row in self.rows))

    @property
    def shown(self) -> list[str]:
        """Those of them to draw: all, unless some are chosen. How one is drawn does not depend on it."""
        return [name for name in self.names if not self.chosen or name in self.chosen]

    def of(self, name: str) -> list[Row]:
        """The rows of one of them."""
        return [row for row in self.rows if row[NAMED_BY[self.kind]] == name]

    def spread(self, name: str, key: str) -> "Spread | None":
        """A measure of one of them over its seeds."""
        return spread(row.get(key) for row in self.of(name))

    def difference(self, name: str, other: str, key: str) -> "Spread | None":
        """name − other, seed by seed, where both have that seed."""
        known = {row["seed"]: row.get(key) for row in self.of(other)}
        pairs = [(row.get(key), known.get(row["seed"])) for row in self.of(name)]
        return spread(a - b for a, b in pairs if a is not None and b is not None)

    def effects(self, key: str) -> dict[str, "Spread"]:
        """Of an ablation: each change − the method as it is, seed by seed, best first."""
        found = {name: self.difference(name, AS_IT_IS, key) for name in self.names if name != AS_IT_IS}
        known = {name: of for name, of in found.items() if of is not None}
        return dict(sorted(known.items(), key=lambda pair: -pair[1].mean))

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return len({row["seed"] for row in self.rows})


@dataclass(frozen=True)
class Spread:
    """Mean of some values, their standard deviation (None for a single one), how many."""

    mean: float
    deviation: float | None
    count: int

    @property
    def error(self) -> float | None:
        """The standard error of the mean."""
        return None if self.deviation is None else self.deviation / self.count**0.5

    @property
    def certain(self) -> bool:
        """Whether the mean is further from zero than two standard errors."""
        return self.error is not None and abs(self.mean) > 2 * self.error

    def percent(self) -> str:
        """A share as “69.4 ± 1.2 %”: mean ± standard deviation, with a narrow space."""
        deviation = "" if self.deviation is None else f" ± {100 * self.deviation:.1f}"
        return f"{100 * self.mean:.1f}{deviation}\u202f%"

    def points(self) -> str:
        """A difference of shares as “+1.3 ± 0.4”: percentage points ± standard error."""
        error = "" if self.error is None else f" ± {100 * self.error:.1f}"
        return f"{100 * self.mean:+.1f}{error}".replace("-", "−")


def spread(values: Iterable[float | None]) -> Spread | None:
    """Of the values that are there; None when there are none."""
    known = [float(value) for value in values if value is not None]
    if not known:
        return None
    return Spread(statistics.mean(known), statistics.stdev(known) if len(known) > 1 else None, len(known))


@dataclass(frozen=True)
class Entrant:
    """A strategy as a reader meets it."""

    name: str
    title: str
    description: str
    role: str  # "method": replays synthetic images; "control": Gaussians alone; "reference": not data-free; "rival"


def entrants(evidence: Evidence) -> dict[str, Entrant]:
    """The strategies of a comparison by name, in the order of the file."""
    return {name: _entrant(name, evidence.of(name)[0]) for name in evidence.names}


def _entrant(name: str, row: Row) -> Entrant:
    try:
        known = strategies.get(name)
    except ConfigError:  # measured by a newer program
        return Entrant(name, name, "", "rival" if row["data_free"] else "reference")
    role = "method" if known.memory == "synthetic" else "control" if known.freezes else "rival"
    return Entrant(name, known.title, known.description, role if row["data_free"] else "reference")


def found() -> dict[str, Path]:
    """The files there are, by a name for the address: those shipped with the project, then one's own, newest first.

    More than one of a kind may be shipped: KIND-WHICH.json.
    """
    known = [file for kind in KINDS for file in (SHIPPED / f"{kind}.json", *sorted(SHIPPED.glob(f"{kind}-*.json")))]
    shipped = {f"shipped/{file.stem}": file for file in known}
    own = [file for kind in KINDS for file in OWN.glob(f"*/{kind}.json")]
    own.sort(key=lambda file: (-file.stat().st_mtime, str(file)))
    files = shipped | {f"{file.parent.name}/{file.stem}": file for file in own}
    return {name: file for name, file in files.items() if file.is_file()}


def read(file: Path) -> Evidence:
    """Raises EvidenceError with a sentence when it is missing or not what a command of this project writes."""
    try:
        facts = dict(json.loads(file.read_text(encoding="utf-8")))
        kind, rows = facts["kind"], tuple(facts.pop("rows"))
    except OSError as error:
        raise EvidenceError(f"{file} cannot be read ({error.strerror or error}).") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EvidenceError(f"{file} is not the JSON that compare, ablate and race write; {_again()}") from error
    if not isinstance(kind, str) or kind not in KINDS:
        raise EvidenceError(f"{file} holds results of the kind “{kind}”; allowed are {', '.join(KINDS)}.")
    if not rows:
        raise EvidenceError(f"{file} has no rows yet; the command that writes it had not finished a run.")
    for row in rows:
        missing = [name for name in KINDS[kind] if name not in row] if isinstance(row, Mapping) else ["everything"]
        if missing:
            raise EvidenceError(f"A row of {file} lacks {', '.join(missing)}; {_again()}")
    return Evidence(kind, facts, rows)


def _again() -> str:
    return "run that command again, as results in its store are not computed twice."
