"""A setting out of range is refused in one sentence that says what is allowed; the rest survives a round trip."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cl_core.config import Config, ConfigError, differences

SECTIONS = {f.name: getattr(Config(), f.name) for f in dataclasses.fields(Config)}
SETTINGS = [(name, f) for name, section in SECTIONS.items() for f in dataclasses.fields(section)]
BOUNDED = [(name, f) for name, f in SETTINGS if f.metadata["low"] is not None]


def ids(pair):
    return f"{pair[0]}.{pair[1].name}"


@pytest.mark.parametrize("where", SETTINGS, ids=ids)
def test_every_setting_tells_a_form_what_it_needs(where):
    meta = where[1].metadata
    assert meta["label"]
    assert meta["group"]
    assert meta["help"].endswith(".")
    number = isinstance(where[1].default, int | float | tuple) and not isinstance(where[1].default, bool)
    assert meta["low"] is not None or not number


@pytest.mark.parametrize("where", BOUNDED, ids=ids)
def test_values_outside_the_range_are_refused_with_the_range(where):
    section, f = where
    for value in (f.metadata["low"] - 1, f.metadata["high"] + 1, float("nan"), True, "much"):
        wrong = [value] if isinstance(f.default, tuple) else value
        with pytest.raises(ConfigError) as caught:
            Config().override({section: {f.name: wrong}})
        assert f.metadata["label"] in str(caught.value)
        assert f"{f.metadata['low']:g} to {f.metadata['high']:g}" in str(caught.value)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_allowed_config_survives_json(data):
    section, f = data.draw(st.sampled_from(SETTINGS))
    config = Config().override({section: {f.name: data.draw(allowed(f))}})
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def allowed(f):
    meta = f.metadata
    if meta["options"]:
        return st.sampled_from(meta["options"])
    if isinstance(f.default, tuple):
        return st.lists(st.integers(meta["low"], meta["high"]))
    if isinstance(f.default, bool):
        return st.booleans()
    if isinstance(f.default, bool):
        return st.booleans()
    if isinstance(f.default, int):
        return st.integers(meta["low"], meta["high"])
    if isinstance(f.default, float):
        return st.floats(meta["low"], meta["high"])
    return st.text(max_size=9)


@pytest.mark.parametrize(
    "changes",
    [{"lern": {}}, {"learn": {"epoch": 3}}, {"learn": 3}, {"learn": {"statistics": "all"}}, {"learn": {"epochs": 1.5}}],
)
def test_unknown_names_and_wrong_kinds_are_refused(changes):
    with pytest.raises(ConfigError):
        Config().override(changes)


def test_differences_lists_only_what_differs():
    changed = Config().override({"learn": {"epochs": 3}, "invert": {"layer_iterations": [1, 2]}})
    assert differences(Config(), changed) == [
        ("learn", "epochs", 120, 3),
        ("invert", "layer_iterations", (), (1, 2)),
    ]
    assert differences(changed, changed) == []
