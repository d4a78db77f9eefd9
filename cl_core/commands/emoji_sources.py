"""Emoji drawings as their npm packages hold them: which concepts there are, and each one's picture in a style.

Names, keywords, groups and subgroups are those of emojibase-data. A concept is an emoji without skin tone and without
the variants of gender and direction, which differ in what 32 pixels do not show; flags are left out, as their groups
would be guessed from colours alone.
"""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cl_core.datasets import DataError

NAMES = "emojibase-data@17.0.0"
SIDE = 32
MARGIN = 1  # white pixels on each side of a drawing


@dataclass(frozen=True)
class Style:
    """A set of drawings: its package, whose it is, and how it is stored there."""

    package: str  # name@version
    title: str
    kind: str  # "pictures": files named by code point · "iconify": SVG texts by name
    licence: str
    folder: str = ""  # of the pictures, inside the package
    shipped: bool = True
    withheld: bool = False  # from the pretraining of the small CLIP


STYLES = {
    "noto": Style("emoji-datasource-google@16.0.0", "Noto", "pictures", "Apache-2.0, © Google", "img/google/64"),
    "twemoji": Style(
        "emoji-datasource-twitter@16.0.0", "Twemoji", "pictures", "CC BY 4.0, © Twitter, Inc and other contributors",
        "img/twitter/64",
    ),
    "fluent-3d": Style("@lobehub/fluent-emoji-3d@1.1.0", "Fluent 3D", "pictures", "MIT, © Microsoft", "assets"),
    "fluent-flat": Style("@iconify-json/fluent-emoji-flat@1.2.6", "Fluent flat", "iconify", "MIT, © Microsoft"),
    "noto-v1": Style("@iconify-json/noto-v1@1.2.5", "Noto 2016", "iconify", "Apache-2.0, © Google"),
    "emojitwo": Style(
        "@iconify-json/emojione@1.2.3", "EmojiTwo", "iconify", "CC BY 4.0, © Ranks.com Inc. and EmojiTwo contributors",
        withheld=True,
    ),
    "openmoji": Style(
        "@iconify-json/openmoji@1.2.29", "OpenMoji", "iconify", "CC BY-SA 4.0, © OpenMoji", shipped=False, withheld=True
    ),
}  # fmt: skip

# 33 groups: what each is called in a prompt, and the subgroups of emojibase that make it up.
GROUPS = {
    "happy face": ("face-smiling", "face-affection", "face-tongue", "face-hat", "face-glasses", "face-hand"),
    "unhappy face": ("face-neutral-skeptical", "face-sleepy", "face-unwell", "face-concerned", "face-negative"),
    "face of a creature": ("face-costume", "cat-face", "monkey-face"),
    "heart or feeling": ("heart", "emotion"),
    "hand or part of the body": (
        "hand-fingers-open", "hand-fingers-partial", "hand-single-finger", "hand-fingers-closed", "hands", "hand-prop",
        "body-parts",
    ),
    "person": ("person", "person-gesture", "family", "person-symbol"),
    "person at work": ("person-role",),
    "magical person": ("person-fantasy",),
    "person in motion": ("person-activity", "person-sport", "person-resting"),
    "mammal": ("animal-mammal",),
    "bird": ("animal-bird",),
    "sea animal or reptile": ("animal-marine", "animal-reptile", "animal-amphibian"),
    "bug": ("animal-bug",),
    "plant or flower": ("plant-flower", "plant-other"),
    "fruit or vegetable": ("food-fruit", "food-vegetable"),
    "meal": ("food-prepared", "food-asian", "food-sweet"),
    "drink or dish": ("drink", "dishware"),
    "building or place": (
        "place-building", "place-religious", "place-other", "place-map", "place-geographic", "hotel",
    ),
    "car, train or road": ("transport-ground",),
    "aircraft or ship": ("transport-air", "transport-water"),
    "clock": ("time",),
    "sky or weather": ("sky-weather",),
    "party or prize": ("event", "award-medal", "arts-crafts"),
    "sport or game": ("sport", "game"),
    "clothing": ("clothing",),
    "music or sound": ("sound", "music", "musical-instrument"),
    "electronic device": ("phone", "computer", "light-video"),
    "paper or office thing": ("book-paper", "writing", "office", "mail", "money"),
    "tool or household thing": ("tool", "household", "science", "medical", "lock", "other-object"),
    "sign": (
        "transport-sign", "warning", "religion", "zodiac", "math", "punctuation", "currency", "gender", "other-symbol",
    ),
    "arrow or button": ("arrow", "av-symbol"),
    "letter or number": ("alphanum", "keycap"),
    "coloured shape": ("geometric",),
}  # fmt: skip


@dataclass(frozen=True)
class Concept:
    """What a drawing shows."""

    id: str  # code points in hexadecimal, as 1F600
    name: str
    keywords: tuple[str, ...]
    group: str  # one of GROUPS
    subgroup: str
    icons: tuple[str, ...] = field(repr=False)  # what iconify's sets may call it, best first


def package_of(name: str) -> str:
    """The name of a package without its version."""
    return name.rpartition("@")[0]


def read_concepts(modules: Path) -> list[Concept]:
    """Every concept, in the order of Unicode. Raises DataError when the package of names is not in `modules`."""
    folder = modules / package_of(NAMES)
    messages, entries = read_json(folder / "en/messages.json"), read_json(folder / "en/data.json")
    icons = read_json(modules / package_of(STYLES["fluent-flat"].package) / "chars.json")
    shortcodes = [read_json(folder / f"en/shortcodes/{name}.json") for name in ("cldr", "iamcal", "joypixels")]
    subgroups = {entry["order"]: entry["key"] for entry in messages["subgroups"]}
    group_of = {subgroup: group for group, subgroups in GROUPS.items() for subgroup in subgroups}
    concepts = []
    for entry in sorted((e for e in entries if "subgroup" in e), key=lambda e: e["order"]):
        subgroup = subgroups[entry["subgroup"]]
        if subgroup not in group_of or _is_variant(entry["hexcode"]):
            continue
        names = [_slug(entry["label"]), *(icons[form] for form in _forms(entry["hexcode"]) if form in icons)]
        for table in shortcodes:
            found = table.get(entry["hexcode"], [])
            names += [_slug(name) for name in ([found] if isinstance(found, str) else found)]
        keywords = tuple(tag for tag in entry.get("tags", ()) if tag.isascii())
        concepts.append(
            Concept(entry["hexcode"], entry["label"].lower(), keywords, group_of[subgroup], subgroup, tuple(names))
        )
    return concepts


def read_style(modules: Path, style: Style, concepts: list[Concept]) -> dict[str, np.ndarray]:
    """Concept id → drawing, uint8 (SIDE, SIDE, 3) on white, of those that the style has. Raises DataError."""
    folder = modules / package_of(style.package)
    if style.kind == "pictures":
        return _read_pictures(folder / style.folder, concepts)
    return _read_iconify(read_json(folder / "icons.json"), concepts)


def _read_pictures(folder: Path, concepts: list[Concept]) -> dict[str, np.ndarray]:
    files = {file.stem: file for file in folder.glob("*.*")}
    if not files:
        raise DataError(f"There are no pictures in {folder}; remove the folder of packages, and it is fetched again.")
    found: dict[str, np.ndarray] = {}
    for concept in concepts:
        file = next((files[form] for form in _forms(concept.id) if form in files), None)
        if file is not None:
            with Image.open(file) as image:
                found[concept.id] = on_white(image)
    return found


def _read_iconify(icons: Mapping[str, Any], concepts: list[Concept]) -> dict[str, np.ndarray]:
    """Iconify's JSON: SVG bodies by name, and other names for them."""
    try:
        import resvg_py
    except ImportError as error:
        raise DataError(
            "Drawing the SVG emoji needs resvg_py, which only this command uses; `pip install resvg_py`."
        ) from error
    aliases = {name: alias["parent"] for name, alias in icons.get("aliases", {}).items()}
    found: dict[str, np.ndarray] = {}
    for concept in concepts:
        name = next((name for name in concept.icons if name in icons["icons"] or name in aliases), None)
        if name is not None:
            icon = icons["icons"][aliases.get(name, name)]
            width, height = (icon.get(side, icons.get(side, 16)) for side in ("width", "height"))
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{icon["body"]}</svg>'
            png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=4 * SIDE, height=4 * SIDE))
            with Image.open(io.BytesIO(png)) as image:
                found[concept.id] = on_white(image)
    return found


def on_white(image: Image.Image) -> np.ndarray:
    """A drawing, cut to its frame, scaled to fit with a margin, in the middle of white: uint8 (SIDE, SIDE, 3)."""
    drawing = image.convert("RGBA")
    drawing = drawing.crop(drawing.getchannel("A").point(lambda a: 255 * (a > 16)).getbbox())
    scale = (SIDE - 2 * MARGIN) / max(drawing.size)
    size = (max(1, round(scale * drawing.width)), max(1, round(scale * drawing.height)))
    flat = Image.new("RGBA", drawing.size, "white")
    flat = Image.alpha_composite(flat, drawing).convert("RGB").resize(size, Image.Resampling.BOX)
    page = Image.new("RGB", (SIDE, SIDE), "white")
    page.paste(flat, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return np.asarray(page)


def read_json(file: Path) -> Any:
    """Raises DataError when the file is missing or damaged."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"The package file {file} cannot be read; remove its folder, and the package is fetched again."
        ) from error


def _is_variant(code: str) -> bool:
    """Whether an emoji is another one with a gender, or looking the other way."""
    return "200D-2640" in code or "200D-2642" in code or code.startswith(("1F468-200D", "1F469-200D", "200D-27A1"))


def _forms(code: str) -> tuple[str, ...]:
    """How files write these code points: with the variation selectors, without, and with one at the end."""
    low = code.lower()
    bare = low.replace("-fe0f", "")
    return low, bare, f"{bare}-fe0f", low.lstrip("0"), bare.lstrip("0")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("’", "")).strip("-")
