"""python tests/fuzz [--inputs 1000]: malformed inputs at every door; prints what happened."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "dashboard")]

import doors  # noqa: E402
import doors_clip  # noqa: E402
import doors_here  # noqa: E402
import pages  # noqa: E402
from watch import SECONDS, Tally  # noqa: E402

SHARES = {  # of the inputs; drawing a page takes long
    "imported runs": (doors.runs, 0.27),
    "folders of images": (doors.image_folders, 0.15),
    "data sets on disk": (doors.data_on_disk, 0.1),
    "recipes and settings": (doors_here.recipes, 0.17),
    "addresses": (doors_here.addresses, 0.1),
    "files of a store": (doors_here.files_of_a_store, 0.12),
    "checkpoints of CLIP": (doors_clip.clip_checkpoints, 0.06),
}


def fuzz(inputs: int, root: Path) -> dict[str, Tally]:
    """So many inputs, shared out to the doors; at last what was taken is shown on the page, with bad addresses."""
    told, taken = {}, []
    for name, (door, share) in SHARES.items():
        place = root / name
        place.mkdir()
        told[name] = Tally()
        taken += door(max(3, round(share * inputs)), place, told[name]) or []
    told["pages"] = Tally()
    pages.draw(max(2, inputs - sum(tally.inputs for tally in told.values())), taken, root, told["pages"])
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000, metavar="N", help="default: 1000")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as root, doors.nobody_else(Path(root) / "own"):
        told = fuzz(parser.parse_args().inputs, Path(root))
    print(
        f"{'':<22}{'inputs':>8}{'taken':>8}{'refused':>9}{'tracebacks':>12}{'hangs':>7}{'outside':>9}{'slowest, s':>12}"
    )
    for name, t in told.items():
        counts = f"{t.inputs:>8}{t.taken:>8}{t.refused:>9}{len(t.faults):>12}{len(t.hangs):>7}{len(t.outside):>9}"
        print(f"{name:<22}{counts}{t.slowest:>12.2f}")
    for tally in told.values():
        for fault in [*tally.faults[:3], *tally.hangs[:3], *tally.outside[:3]]:
            print(f"\n{fault}")
    print(
        f"\n{sum(t.inputs for t in told.values())} malformed inputs in {time.monotonic() - began:.0f} s: "
        f"{sum(len(t.faults) for t in told.values())} tracebacks, "
        f"{sum(len(t.hangs) for t in told.values())} hangs over {SECONDS:.0f} s, "
        f"{sum(len(t.outside) for t in told.values())} writes outside the store, unpicklings or connections."
    )
    return int(not all(tally.clean for tally in told.values()))


if __name__ == "__main__":
    sys.exit(main())
