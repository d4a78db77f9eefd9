"""`build-emoji`: the emoji drawings that the small CLIP learns from, out of their npm packages.

It writes one lossless WebP sheet a style (32 × 32 pixels a drawing, COLUMNS in a row, in the order of the index) and
index.json: concepts with name, keywords, group and subgroup; styles with their licences and the concepts that each
draws; and which styles and concepts are withheld from pretraining, so that there is something to be tested on.
"""

import argparse
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from cl_core.commands.emoji_sources import GROUPS, NAMES, SIDE, STYLES, Concept, package_of, read_concepts, read_style
from cl_core.datasets import ASSETS, DataError

COLUMNS = 40
WITHHELD = 129  # concepts
LEAST = 2  # styles that are not withheld: a concept is learned from at least two drawings
# The words for clothes stay in pretraining: Fashion-MNIST's withheld classes are read from them (clip-report).
KEPT_SUBGROUPS = ("clothing",)
SEED = 0  # of the draw


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("build-emoji", help="build the emoji drawings from their npm packages")
    parser.add_argument(
        "--packages",
        type=Path,
        default=Path(tempfile.gettempdir()) / "inversion-lab-emoji",
        help="folder for the npm packages; what is not there yet is fetched (160 MB)",
    )
    parser.add_argument("--out", type=Path, default=ASSETS / "clip", help="folder to write; default: assets")
    parser.add_argument(
        "--style",
        action="append",
        choices=tuple(STYLES),
        help="build only this style, as openmoji, which does not come with the program; may come several times",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Fetch, draw, write. Raises DataError when a package cannot be fetched or read."""
    styles = tuple(args.style or (name for name, style in STYLES.items() if style.shipped))
    modules = fetch(args.packages, styles)
    concepts = read_concepts(modules)
    drawn = {name: read_style(modules, STYLES[name], concepts) for name in styles}
    total = write(args.out, concepts, drawn)
    images = sum(map(len, drawn.values()))
    print(f"Wrote {images} drawings in {len(drawn)} styles to {args.out}: {total / 1e6:.1f} MB.")


def fetch(folder: Path, styles: tuple[str, ...]) -> Path:
    """Have npm put what is missing into `folder`; returns where the packages lie. Raises DataError."""
    modules = folder / "node_modules"
    wanted = {NAMES, STYLES["fluent-flat"].package, *(STYLES[name].package for name in styles)}
    missing = sorted(package for package in wanted if not (modules / package_of(package)).is_dir())
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]
        present = sorted(package for package in wanted if package not in missing)  # npm removes what it is not told of
        try:
            done = subprocess.run([*command, str(folder), *present, *missing], capture_output=True, text=True)
        except OSError as error:
            raise DataError("The drawings come from npm packages: npm is not installed; install Node.js.") from error
        if done.returncode:
            reason = next((line for line in done.stderr.splitlines() if "npm error" in line), "npm gave no reason")
            raise DataError(f"npm could not fetch {', '.join(missing)} ({reason}).")
    return modules


def choose(concepts: list[Concept], drawn: dict[str, dict[str, np.ndarray]]) -> list[Concept]:
    """The concepts that enough styles draw; of styles built alone, all that are drawn."""
    learned = [images for name, images in drawn.items() if not STYLES[name].withheld]
    if len(learned) < LEAST:
        return [c for c in concepts if any(c.id in images for images in drawn.values())]
    return [c for c in concepts if sum(c.id in images for images in learned) >= LEAST]


def draw_withheld(concepts: list[Concept]) -> set[str]:
    """The ids of WITHHELD concepts, shared out to the groups by their sizes: the same draw every time."""
    generator = np.random.default_rng(SEED)
    eligible = [c for c in concepts if c.subgroup not in KEPT_SUBGROUPS]
    order = generator.permutation(len(eligible))
    ranked = sorted(  # by the share of its group that stands before it, so that each group gives alike
        (position / count, index)
        for group in GROUPS
        for members in [[i for i in order if eligible[i].group == group]]
        for count in [len(members)]
        for position, index in enumerate(members, start=1)
    )
    return {eligible[index].id for _, index in ranked[:WITHHELD]}


def write(folder: Path, concepts: list[Concept], drawn: dict[str, dict[str, np.ndarray]]) -> int:
    """Write the sheets and index.json; returns the bytes written. The same drawings give the same images."""
    folder.mkdir(parents=True, exist_ok=True)
    concepts = choose(concepts, drawn)
    withheld = draw_withheld(concepts)
    styles, total = [], 0
    for name, images in drawn.items():
        present = [i for i, concept in enumerate(concepts) if concept.id in images]
        file = folder / f"{name}.webp"
        sheet([images[concepts[i].id] for i in present]).save(file, lossless=True, quality=100, method=6)
        content, style = file.read_bytes(), STYLES[name]
        total += len(content)
        styles.append(
            {
                "name": name,
                "title": style.title,
                "licence": style.licence,
                "package": style.package,
                "withheld": style.withheld,
                "sha256": hashlib.sha256(content).hexdigest(),
                "concepts": present,
            }
        )
    described = [
        {
            "id": c.id,
            "name": c.name,
            "keywords": c.keywords,
            "group": list(GROUPS).index(c.group),
            "subgroup": c.subgroup,
            "withheld": c.id in withheld,
        }
        for c in concepts
    ]
    rows = [",\n".join(json.dumps(row, ensure_ascii=False) for row in part) for part in (styles, described)]
    index = (
        f'{{"side": {SIDE}, "columns": {COLUMNS}, "groups": {json.dumps(list(GROUPS))},\n"styles": [\n{rows[0]}\n],\n'
    )
    text = index + f'"concepts": [\n{rows[1]}\n]}}\n'
    (folder / "index.json").write_text(text, encoding="utf-8")
    return total + len(text.encode())


def sheet(images: list[np.ndarray]) -> Image.Image:
    """Drawings (h, w, 3) in rows of COLUMNS; the rest of the last row is white."""
    rows = -(-len(images) // COLUMNS)
    page = np.full((rows * SIDE, COLUMNS * SIDE, 3), 255, np.uint8)
    for position, image in enumerate(images):
        y, x = SIDE * (position // COLUMNS), SIDE * (position % COLUMNS)
        page[y : y + SIDE, x : x + SIDE] = image
    return Image.fromarray(page)
