"""python -m dashboard COMMAND: what needs the dashboard's parts, without the app.

umap   draw the UMAP picture of the finished example and keep it with it, so that the app shows it at once
"""

import argparse
import sys

from cl_core.store import StoreError
from dashboard import library, projections


def umap() -> None:
    """Draw the UMAP picture of the example's last snapshot."""
    store = library.example_store()
    view = library.look(store, library.example().main).group("view")
    for _ in projections.compute_umap(view, store.path):
        pass
    print(f"{store.path / 'umap' / projections.umap_key(view)}.npz")


def main() -> int:
    """The exit code: 0, or 2 with a sentence when the example cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m dashboard", description=__doc__)
    parser.add_argument("command", choices=["umap"])
    parser.parse_args()
    try:
        umap()
    except StoreError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
