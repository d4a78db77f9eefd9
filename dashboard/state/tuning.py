"""The settings of the next step, as the address says them."""

import dataclasses
from typing import Any

from cl_core import presets, strategies
from cl_core.config import Config, ConfigError, differences
from cl_core.snapshot import Snapshot
from dashboard.state.address import address_of, parameters, set_parameter, set_parameters
from dashboard.state.session import tell

DEFAULT_PRESET = "demo"
STEP_SECTIONS = ("learn", "invert")  # what each step brings
FIXED_SECTIONS = ("stream", "network", "machine")  # what belongs to the experiment


def preset_name() -> str:
    """The preset that the settings start from."""
    name = parameters().get("preset", DEFAULT_PRESET)
    if name not in presets.PRESETS:
        set_parameter("preset", None)
        tell(f"The address asked for a preset “{name}”, which does not exist; “{DEFAULT_PRESET}” is used instead.")
        return DEFAULT_PRESET
    return name


def settings(node: Snapshot | None) -> Config:
    """The settings of the next step: the preset, what the URL changes, and the node's own stream, network and seed."""
    base = presets.preset(preset_name())
    for name, text in parameters().items():
        if _is_setting(name):
            base = _with_parameter(base, name, text)
    return base if node is None else with_fixed(base, node)


def with_fixed(config: Config, node: Snapshot) -> Config:
    """The config with the stream, the network and the machine of a snapshot's experiment."""
    return with_fixed_of(config, node.config)


def with_fixed_of(config: Config, other: Config) -> Config:
    """The config with the stream, the network and the machine of another."""
    return dataclasses.replace(config, **{name: getattr(other, name) for name in FIXED_SECTIONS})


def _is_setting(parameter: str) -> bool:
    section, dot, _ = parameter.partition(".")
    return bool(dot) and section in (*STEP_SECTIONS, *FIXED_SECTIONS)


def _with_parameter(config: Config, name: str, text: str) -> Config:
    """The config with one query parameter applied; one that cannot be used is removed and told."""
    section, _, field = name.partition(".")
    try:
        known = {f.name: f for f in dataclasses.fields(getattr(config, section))}
        if field not in known:
            raise ConfigError(f"There is no setting “{name}”.")
        config_then = config.override({section: {field: parse(text, known[field].default)}})
        strategies.get(config_then.learn.strategy)  # refuses a name that nobody knows
        return config_then
    except ConfigError as error:
        set_parameter(name, None)
        tell(f"The address had a setting that cannot be used and was left out. {error}")
        return config


def parse(text: str, default: Any) -> Any:
    """A setting from its text, of the kind of its default. What cannot be read stays text, for validation to refuse."""
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}.get(text.lower(), text)
        if isinstance(default, int):
            return int(text)
        if isinstance(default, float):
            return float(text)
        if isinstance(default, tuple):
            return tuple(int(part) for part in text.replace(",", " ").split())
    except ValueError:
        pass
    return text


def as_text(value: Any) -> str:
    """The inverse of `parse`."""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def take(config: Config) -> None:
    """Take over the settings of a step, within the same preset."""
    _write(with_fixed_of(config, settings(None)), preset_name())


def adopt(config: Config, preset: str | None = None) -> None:
    """Take over the settings of a config: its preset (the nearest one if none is named) and what it changes."""
    _write(config, preset or nearest_preset(config))


def suit(node: Snapshot) -> None:
    """Where the address names no preset for a snapshot's backbone, take the settings that it was made with."""
    if presets.preset(preset_name()).network.backbone != node.config.network.backbone:
        adopt(node.config)


def _write(config: Config, preset: str) -> None:
    """Write the preset and all that a config changes of it, the seed included."""
    kept = {name: text for name, text in parameters().items() if not _is_setting(name)}
    changed = differences(presets.preset(preset), config)
    kept |= {"preset": preset} | {f"{section}.{field}": as_text(value) for section, field, _, value in changed}
    set_parameters(kept)


def address_to(node: Snapshot) -> dict[str, str]:
    """The query parameters under which the Explore page shows a snapshot, with its settings and what runs there."""
    preset, running = nearest_preset(node.config), address_of("explore").get("run")
    changed = differences(presets.preset(preset), node.config)
    address = {"node": node.id, "preset": preset} | ({"run": running} if running else {})
    return address | {f"{section}.{field}": as_text(value) for section, field, _, value in changed}


def address_to_go_on(config: Config, node: Snapshot) -> dict[str, str]:
    """The address of the Explore page at a snapshot, with the settings of another in the controls of the next step."""
    config, preset = with_fixed(config, node), nearest_preset(config)
    changed = differences(presets.preset(preset), config)
    kept = {name: text for name, text in address_of("explore").items() if "." not in name}
    settings = {f"{section}.{field}": as_text(value) for section, field, _, value in changed}
    return kept | {"node": node.id, "preset": preset} | settings


def nearest_preset(config: Config) -> str:
    """The preset with the fewest settings to change."""
    return min(presets.PRESETS, key=lambda name: len(differences(presets.preset(name), config)))
