"""The commands of `python -m cl_core`, one file each.

A command is a module with `add_parser(subparsers)` and `run(args)`, which returns nothing, or 1 when it is a check that
found something, and raises one of the core's own errors when it cannot go on. Its module imports no torch: that comes
inside `run`, once it is needed.
"""

from cl_core.commands import (
    ablate,
    bench,
    build_data,
    build_emoji,
    build_example,
    clip,
    clip_contests,
    clip_report,
    compare,
    data,
    export_run,
    import_run,
    info,
    memory,
    oracle,
    pretrain_clip,
    race,
    run,
    store,
    unseen,
)

COMMANDS = (
    run, compare, ablate, export_run, import_run, store, info, data, oracle, race, bench, memory, clip,
    pretrain_clip, clip_report, clip_contests, unseen, build_data, build_emoji, build_example,
)  # fmt: skip
