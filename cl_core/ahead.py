"""What lies ahead of a snapshot. No torch."""

from cl_core import strategies
from cl_core.snapshot import Snapshot


def remaining(node: Snapshot, strategy: str) -> list[tuple[str, int]]:
    """(verb, tasks learned before it) of each step from a snapshot to the end of the stream."""
    steps: list[tuple[str, int]] = []
    verb, tasks, replays = node.verb, node.tasks_learned, strategies.get(strategy).replays
    while True:
        if verb == "learn" and replays:
            verb = "invert"
        elif tasks < len(node.task_sizes):
            verb = "learn"
        else:
            return steps
        steps.append((verb, tasks))
        tasks += verb == "learn"
