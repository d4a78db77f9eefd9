"""The only file that names session state keys and query parameters.

In the URL: `node` (the snapshot one looks at), `run` (the job that is under way), `preset`, and each setting that
differs from that preset, as `learn.epochs=3`. Settings of learning and inversion are those of the next step; those of
the stream, the network and the machine are what the form of a new experiment starts from. A refresh, a bookmark or a
colleague finds the same page. A value that cannot be used is taken out, and told. On the Data page: `data`, the images
one looks at. On the page A/B: `a`, `b`, `after` (tasks) and `network`.
"""

import dataclasses
import re
from typing import Any

import streamlit as st

from cl_core import presets, strategies
from cl_core.config import Config, ConfigError, differences
from cl_core.snapshot import Snapshot
from dashboard.points import Points

DEFAULT_PRESET = "demo"
STEP_SECTIONS = ("learn", "invert")  # what each step brings
FIXED_SECTIONS = ("stream", "network", "machine")  # what belongs to the experiment


def _keep(key: str, default: Any) -> Any:
    if key not in st.session_state:
        st.session_state[key] = default
    return st.session_state[key]


def again(what: str) -> bool:
    """False the first time that a session asks, then True."""
    before = _keep(f"again.{what}", False)
    st.session_state[f"again.{what}"] = True
    return before


# What is told once, at the top of the page.


def plain(text: str) -> str:
    """Text that may hold a person's words, so that Streamlit's markdown shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#$~|:])", r"\\\1", text)


def tell(sentence: str) -> None:
    """A sentence for the person, shown until it is dismissed or the page moves on."""
    notices = _keep("notices", [])
    sentence = plain(sentence)
    if sentence not in notices:
        notices.append(sentence)


def notices(more_to_come: bool = False) -> list[str]:
    """The sentences to show now; each is shown once. more_to_come: the page is drawn again at once, with them."""
    told = list(_keep("notices", []))
    if not more_to_come:
        st.session_state["notices"] = []
    return told


# The pages. Streamlit forgets the address of a page that one leaves; here, one finds it again.


def enter(page: str) -> None:
    """A page is about to be drawn: "explore", "data" … Coming back to it without an address, it is as it was left."""
    if st.session_state.get("page", page) != page and not st.query_params.to_dict():
        st.query_params.from_dict(address_of(page))
    st.session_state["page"] = page
    leave(page)


def leave(page: str) -> None:
    """The page is drawn: keep its address."""
    st.session_state[f"address.{page}"] = st.query_params.to_dict()


def address_of(page: str) -> dict[str, str]:
    """The query parameters that a page had when it was last drawn."""
    return dict(st.session_state.get(f"address.{page}", {}))


# The Data page, and its door to a new experiment.


def data() -> str:
    """The name of the data set that the Data page shows."""
    return st.query_params.get("data", "fashion-mnist")


def look_at_data(name: str) -> None:
    _set_parameter("data", name)


def ask_for_new(yes: bool) -> None:
    """Whether the Explore page is to open the form of a new experiment by itself."""
    st.session_state["new_asked"] = yes


def new_asked() -> bool:
    return bool(_keep("new_asked", False))


# The Compare page.


def results() -> str | None:
    """The name of the results that the Compare page shows."""
    return st.query_params.get("results")


def look_at_results(name: str | None) -> None:
    _set_parameter("results", name)


# The page A/B: which two snapshots, after how many tasks one looks, and whose network looks at both.


def pinned(side: str) -> str | None:
    """The id of the snapshot that is pinned as "a" or "b", on whichever page one is."""
    return _of_ab().get(side)


def pin(side: str, node_id: str | None) -> None:
    """Pin a snapshot as "a" or "b"; None: take the pin out."""
    _set_of_ab(side, node_id)
    _set_of_ab("after", None)


def moment() -> str | None:
    """After how many tasks, as the address says it; None: as pinned."""
    return _of_ab().get("after")


def look_after(tasks: int | None) -> None:
    _set_of_ab("after", None if tasks is None else str(tasks))


def lender() -> str | None:
    """Whose network looks at both, as the address says it."""
    return _of_ab().get("network")


def borrow(lender: str | None) -> None:
    _set_of_ab("network", lender)


def _of_ab() -> dict[str, str]:
    return st.query_params.to_dict() if st.session_state.get("page") == "ab" else address_of("ab")


def _set_of_ab(name: str, value: str | None) -> None:
    """On the page itself in its address, elsewhere in the one that it will come back with."""
    if st.session_state.get("page") == "ab":
        _set_parameter(name, value)
    else:
        kept = {key: text for key, text in address_of("ab").items() if key != name}
        st.session_state["address.ab"] = kept | ({} if value is None else {name: value})


# The Lessons page: `lesson`, `guess` (the prediction, once the lesson was run) and `try` (a value of one's own).


def lesson() -> str | None:
    """The key of the lesson one is at."""
    return st.query_params.get("lesson")


def go_to_lesson(key: str) -> None:
    """Another lesson, from its beginning; a run that is under way goes on."""
    for name in ("guess", "try"):
        _set_parameter(name, None)
    _set_parameter("lesson", key)


def guess() -> str | None:
    """What was predicted: the key of an option, "none" without a prediction; None before the lesson was run."""
    return st.query_params.get("guess")


def set_guess(option: str | None) -> None:
    _set_parameter("guess", option)


def tried() -> str | None:
    """The text of the value of one's own."""
    return st.query_params.get("try")


def set_tried(value: Any) -> None:
    _set_parameter("try", None if value is None else as_text(value))


def lessons_done() -> set[str]:
    """The keys of the lessons that this session saw to the end."""
    done: set[str] = _keep("lessons_done", set())
    return done


def watch(job_id: str | None) -> None:
    """Show a job on this page, without moving on to what it makes."""
    _set_parameter("run", job_id)


def page() -> str:
    """The page that is being drawn."""
    return str(_keep("page", "explore"))


# Which snapshot, which job.


def selected() -> str | None:
    """The id of the snapshot one looks at."""
    return st.query_params.get("node")


def select(node_id: str | None) -> None:
    _set_parameter("node", node_id)


def run_id() -> str | None:
    """The id of the job that this page follows."""
    return st.query_params.get("run")


def follow(job_id: str | None, stay: bool = False) -> None:
    """Follow a job from the snapshot one looks at now: as long as one stays at its tip, the page moves on with it.

    stay: the page does not move on, whatever the job makes.
    """
    _set_parameter("run", job_id)
    st.session_state["tip"], st.session_state["shown_of_run"] = "" if stay else selected(), 0


def move_on(made: list[str]) -> None:
    """Look at the newest snapshot of the job, unless the person went to look at another one meanwhile."""
    if len(made) > shown_of_run():
        if "tip" not in st.session_state or selected() == st.session_state["tip"]:
            select(made[-1])
            st.session_state["tip"] = made[-1]
        st.session_state["shown_of_run"] = len(made)


def shown_of_run() -> int:
    """How many of the job's snapshots this page has moved on to."""
    return int(_keep("shown_of_run", 0))


def _set_parameter(name: str, value: str | None) -> None:
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


# The settings of the next step.


def preset_name() -> str:
    """The preset that the settings start from."""
    name = st.query_params.get("preset", DEFAULT_PRESET)
    if name not in presets.PRESETS:
        st.query_params.pop("preset", None)
        tell(f"The address asked for a preset “{name}”, which does not exist; “{DEFAULT_PRESET}” is used instead.")
        return DEFAULT_PRESET
    return name


def settings(node: Snapshot | None) -> Config:
    """The settings of the next step: the preset, what the URL changes, and the node's own stream, network and seed."""
    base = presets.preset(preset_name())
    for name in _setting_parameters():
        base = _with_parameter(base, name, st.query_params[name])
    return base if node is None else with_fixed(base, node)


def with_fixed(config: Config, node: Snapshot) -> Config:
    """The config with the stream, the network and the machine of a snapshot's experiment."""
    return with_fixed_of(config, node.config)


def with_fixed_of(config: Config, other: Config) -> Config:
    """The config with the stream, the network and the machine of another."""
    return dataclasses.replace(config, **{name: getattr(other, name) for name in FIXED_SECTIONS})


def _setting_parameters() -> list[str]:
    known = (*STEP_SECTIONS, *FIXED_SECTIONS)
    return [name for name in st.query_params if "." in name and name.partition(".")[0] in known]


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
        st.query_params.pop(name, None)
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


def _write(config: Config, preset: str) -> None:
    """Write the preset and all that a config changes of it, the seed included."""
    gone = set(_setting_parameters())
    parameters = {name: st.query_params[name] for name in st.query_params if name not in gone}
    changed = differences(presets.preset(preset), config)
    parameters |= {"preset": preset} | {f"{section}.{field}": as_text(value) for section, field, _, value in changed}
    st.query_params.from_dict(parameters)


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


# Widgets' values. Keys: w.<name>.


def widget(name: str, value: Any) -> str:
    """The key of a widget, with its value set to what the state says: a widget never has an opinion of its own."""
    key = f"w.{name}"
    st.session_state[key] = value
    return key


def widget_value(name: str) -> Any:
    return st.session_state[f"w.{name}"]


def choice(name: str) -> str:
    """The key of a widget that only this session knows of (a view's switch); it keeps its value by itself."""
    return f"view.{name}"


def choose(name: str, value: Any) -> None:
    """Set such a widget, before it is drawn."""
    st.session_state[choice(name)] = value


def kept(key: str) -> Any:
    """What the state holds for the key of a widget."""
    return st.session_state[key]


def chosen(name: str, default: Any) -> Any:
    """What such a widget says, before it is drawn."""
    return st.session_state.get(choice(name), default)


# What is chosen in the feature space.


def pick(node_id: str, points: Points) -> None:
    """Keep the points that are chosen in the features of a snapshot."""
    st.session_state["picked"] = (node_id, points)


def picked(node_id: str) -> Points:
    """The points that are chosen, if they are of this snapshot."""
    of, points = _keep("picked", ("", Points()))
    return points if of == node_id else Points()


def let_go(node_id: str) -> None:
    """Choose no point any more, in a picture that is drawn anew: Plotly keeps a selection as long as it can."""
    pick(node_id, Points())
    st.session_state["let_go"] = int(_keep("let_go", 0)) + 1


def points_widget() -> str:
    """The key of the picture in which points are chosen."""
    return choice(f"points.{_keep('let_go', 0)}")


# The form of a new experiment.


def new_config() -> Config:
    """The experiment that the form describes."""
    if "new_config" not in st.session_state:
        set_new(settings(None), preset_name())
    return st.session_state["new_config"]


def new_preset() -> str:
    """The preset that the form starts from."""
    return str(_keep("new_preset", DEFAULT_PRESET))


def set_new(config: Config, preset: str) -> None:
    st.session_state["new_config"], st.session_state["new_preset"] = config, preset
