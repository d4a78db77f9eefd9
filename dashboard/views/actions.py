"""What the buttons do: start jobs, move to a snapshot. Each is a callback, so the page is drawn once, afterwards."""

from collections.abc import Sequence
from typing import Any

from cl_core import presets
from cl_core.config import Config
from cl_core.racers import Racer
from cl_core.snapshot import Snapshot
from cl_core.store import StoreError
from dashboard import library, projections, state, teaching, work
from dashboard.job import REGISTRY, Job


def go_to(node_id: str) -> None:
    """Look at another snapshot."""
    state.select(node_id)


def open_experiment(node_id: str | None) -> None:
    """Open an experiment where it got farthest, with the settings it was made with; None: the example."""
    if node_id is None:
        state.select(None)
        return
    leaf = library.find(node_id).farthest(node_id)
    state.select(leaf.id)
    state.adopt(leaf.config)


def delete(tree: library.Tree, node: Snapshot) -> None:
    """Delete a snapshot and what grew from it, and look at its parent; not while a run may need it."""
    job = REGISTRY.get(state.run_id() or "")
    if job is not None and job.active:
        state.tell("Something is running: wait for it, or cancel it, before you delete steps.")
        return
    try:
        library.delete(tree.store, node.id)
    except StoreError as error:
        state.tell(str(error))
    state.select(node.parent)


def begin(config: Config, preset: str, fetch: bool = False) -> None:
    """Make the root of a new experiment. fetch: weights may come over the internet."""
    store = library.own_store()
    state.adopt(config, preset)
    state.follow(REGISTRY.submit("New experiment", lambda: work.begin(config, store, fetch)).id)


def change(section: str, field: str, value: Any) -> None:
    """Change a setting of the next step. Raises ConfigError when it is out of range."""
    base = presets.preset(state.preset_name())
    state.take(work.with_setting(state.settings(None), base, section, field, value))


def take_trial(trial: teaching.Trial) -> None:
    """Take over the settings of a trial that teaches."""
    state.take(teaching.take(trial, state.settings(None)))


def leave_trial(trial: teaching.Trial) -> None:
    """Back from a trial to the preset's settings."""
    state.take(teaching.leave(trial, state.settings(None), presets.preset(state.preset_name())))


def advance(node: Snapshot, config: Config, to_the_end: bool, expected: Sequence[float | None]) -> None:
    """Take the next step from a snapshot, or all of them. expected: seconds of each."""
    store, node_id = library.own_store(), node.id
    verb = work.next_verb(node, config.learn.strategy) or "learn"
    title = "Run to the end" if to_the_end else work.words(verb, node.tasks_learned)
    state.select(node.id)
    job = REGISTRY.submit(title, lambda: work.advance(node_id, config, store, to_the_end), expected=expected)
    state.follow(job.id)


def run_beside(root: Snapshot, config: Config, expected: Sequence[float | None]) -> None:
    """Run another strategy from the root to the end, while the page stays where it is."""
    store, node_id = library.own_store(), root.id
    job = REGISTRY.submit("Without replay", lambda: work.advance(node_id, config, store, True), expected=expected)
    state.follow(job.id, stay=True)


def cancel(job: Job) -> None:
    REGISTRY.cancel(job)


def race_job_id(node_id: str) -> str:
    """At a snapshot there is one race at a time."""
    return f"race-{node_id}"


def race(tree: library.Tree, node_id: str, racers: Sequence[Racer], units: int) -> None:
    """Let racers run at a snapshot; what comes out is kept in the person's store."""
    place, files = (tree.store, node_id), library.own_store().files
    REGISTRY.submit("Race", lambda: work.race(place, racers, units, files), race_job_id(node_id))


def umap_job_id(view: projections.View) -> str:
    """The same picture asked for twice is one job."""
    return "umap-" + projections.umap_key(view)


def draw_umap(view: projections.View) -> None:
    """Compute a UMAP picture; it is kept in the person's store."""
    files = library.own_store().files
    REGISTRY.submit("UMAP", lambda: projections.compute_umap(view, files), umap_job_id(view))
