"""Options that several commands share: which config, which store."""

import argparse
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cl_core import datasets, strategies
from cl_core.config import Config, ConfigError
from cl_core.presets import BY_TASKS, preset

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

STORE = Path("runs") / "store"
S = TypeVar("S", bound="DataclassInstance")


def add_store_option(parser: argparse.ArgumentParser) -> None:
    default = Path(os.environ.get("INVERSION_LAB_STORE", STORE))
    parser.add_argument("--store", type=Path, default=default, help=f"folder of the computed steps; default: {default}")


def add_config_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", default="demo", help="named settings to begin with; `info` lists them")
    parser.add_argument("--seed", type=int, help="the one seed of all randomness")
    parser.add_argument("--strategy", help="how old tasks are held on to; `info` lists them")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help="change a setting, as in learn.epochs=3; may come several times; `info` lists them",
    )


def add_tasks_option(parser: argparse.ArgumentParser) -> None:
    help = "tasks that all the classes are shared out to; with the preset paper-cifar100: 5, 10 or 20"
    parser.add_argument("--tasks", type=int, dest="stream_tasks", metavar="N", help=help)


def config_from(args: argparse.Namespace) -> Config:
    """The preset for --tasks, then --strategy with what it needs, then --set in order, then --seed.

    Raises ConfigError; with --tasks also DataError, as the classes are counted.
    """
    tasks = getattr(args, "stream_tasks", None)
    config = preset(args.preset, tasks)
    if args.strategy is not None:
        config = strategies.configure(config, args.strategy)
    for assignment in args.set:
        config = config.override(_parse(assignment))
    if args.seed is not None:
        config = config.override({"machine": {"seed": args.seed}})
    if tasks is not None and args.preset not in BY_TASKS:
        config = config.override({"stream": {"increment": _classes_a_task(config, tasks)}})
    return config


def changed(section: S, assignments: Sequence[str]) -> S:
    """One section of settings with NAME=VALUE assignments in order. Raises ConfigError."""
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        known = [f.name for f in dataclasses.fields(section)]
        if not equals or name.strip() not in known:
            raise ConfigError(f"--set takes NAME=VALUE with one of {', '.join(known)}; “{assignment}” is not that.")
        value = _value(getattr(section, name.strip()), text.strip())
        section = dataclasses.replace(section, **{name.strip(): value})
    return section


def _classes_a_task(config: Config, tasks: int) -> int:
    """How many classes each task has when there are so many tasks; the last one may have fewer. Raises ConfigError."""
    if config.stream.first or config.stream.by_domain:
        raise ConfigError(
            "--tasks shares the classes out evenly; for a first task of its own size, or domains, use --set."
        )
    classes = len(config.stream.order or datasets.load(config.stream.data).class_names)
    possible = {-(-classes // size): size for size in range(classes, 0, -1)}  # tasks → the smallest of such sizes
    if tasks not in possible:
        known = ", ".join(map(str, possible))
        raise ConfigError(f"--tasks is {tasks}; {classes} classes can be shared out to {known} tasks.")
    return possible[tasks]


def _parse(assignment: str) -> dict[str, dict[str, Any]]:
    name, equals, text = assignment.partition("=")
    section, dot, key = name.strip().partition(".")
    if not equals or not dot:
        raise ConfigError(f"--set takes SECTION.NAME=VALUE, as in learn.epochs=3; “{assignment}” is not that.")
    return {section: {key: _value(getattr(getattr(Config(), section, None), key, ""), text.strip())}}


def _value(default: Any, text: str) -> Any:
    """The text as a value of the default's kind; what cannot be read stays text, for the config to refuse."""
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(text.lower(), text)
    if isinstance(default, tuple):
        return tuple(_value(0, item.strip()) for item in text.strip("()[] ").split(",") if item.strip())
    for kind in (int, float):
        if isinstance(default, kind):
            try:
                return kind(text)
            except ValueError:
                return text
    return text
