"""The emoji drawings: what is withheld, how the splits part them, and what is said of a damaged file."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cl_core import datasets
from cl_core.commands import build_emoji
from cl_core.commands.emoji_sources import GROUPS, STYLES, Concept, on_white
from cl_core.config import StreamConfig
from cl_core.datasets import DataError, emoji
from cl_core.stream import TaskStream


def test_the_sheets_hold_what_the_index_says():
    drawings = emoji.read()
    assert drawings.images.shape == (len(drawings.concept), 3, 32, 32)
    assert drawings.groups == tuple(GROUPS)
    assert sum(concept.withheld for concept in drawings.concepts) == build_emoji.WITHHELD
    assert [s.name for s in drawings.styles] == [name for name, style in STYLES.items() if style.shipped]
    assert all("SA" not in style.licence for style in drawings.styles)  # share-alike stays out
    assert (drawings.images[:, :, 0] == 255).all()  # the margin: every drawing stands on white
    assert sum(file.stat().st_size for file in emoji.FOLDER.iterdir()) <= 10e6


def test_no_concept_is_in_two_splits_and_the_withheld_ones_are_in_the_test():
    drawings, data = emoji.read(), datasets.load("emoji")
    concept_of = {image.tobytes(): c for image, c in zip(drawings.images, drawings.concept, strict=True)}
    parts = [{concept_of[image.tobytes()] for image in data.split(split).images} for split in datasets.SPLITS]
    shared = set.union(*(a & b for i, a in enumerate(parts) for b in parts[:i]))
    assert len(shared) < 0.02 * len(drawings.concepts)  # a few concepts share one drawing, such as look-alike arrows
    withheld = {i for i, concept in enumerate(drawings.concepts) if concept.withheld}
    assert len(withheld - parts[2]) < 0.05 * len(withheld)


def test_every_domain_has_every_group_in_every_split():
    data = datasets.load("emoji")
    for name in datasets.SPLITS:
        split = data.split(name)
        assert len(np.unique(split.labels * len(data.domains) + split.domains)) == 33 * len(data.domains)
    stream = TaskStream(StreamConfig(data="emoji", scenario="domain-incremental"), seed=0, dataset=data)
    assert len(stream) == 6


def test_the_concepts_to_learn_are_withheld_and_tested_in_a_withheld_style():
    drawings, data = emoji.read(), datasets.load("emoji-concepts")
    assert {c.name for c in drawings.concepts if c.withheld} >= set(data.class_names)
    style = {style.name: number for number, style in enumerate(drawings.styles)}[emoji.TEST_STYLE]
    assert drawings.styles[style].withheld
    sheet = {image.tobytes() for image in drawings.images[drawings.style == style]}
    assert all(image.tobytes() in sheet for image in data.split("test").images)
    assert np.bincount(data.split("train").labels).tolist() == [4] * len(data.class_names)


@pytest.mark.parametrize("name", ["noto.webp", "index.json"])
@pytest.mark.parametrize("harm", ["missing", "cut"])
def test_a_damaged_file_is_named_with_how_to_rebuild_it(tmp_path: Path, name: str, harm: str):
    shutil.copytree(emoji.FOLDER, tmp_path / "clip", ignore=shutil.ignore_patterns("*.safetensors"))
    file = tmp_path / "clip" / name
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(DataError, match="build-emoji") as caught:
        emoji.read(tmp_path / "clip")
    assert str(file) in str(caught.value)


def test_the_build_writes_what_the_loader_reads(tmp_path: Path):
    draws = np.random.default_rng(0)
    concepts = [Concept(f"{i:04X}", f"thing {i}", ("word",), group, "some", ()) for i, group in enumerate(GROUPS)]
    styles = ("noto", "twemoji", "emojitwo")
    page = np.zeros((32, 32, 3), np.uint8)
    drawn = {s: {c.id: page + draws.integers(0, 256, 3, dtype=np.uint8) for c in concepts} for s in styles}
    del drawn["emojitwo"]["0003"], drawn["noto"]["0005"]  # a gap is one; a concept with one drawing is not learned
    build_emoji.write(tmp_path, concepts, drawn)
    read = emoji.read(tmp_path)
    assert [concept.id for concept in read.concepts] == [c.id for c in concepts if c.id != "0005"]
    for image, concept, style in zip(read.images, read.concept, read.style, strict=True):
        expected = drawn[styles[style]][read.concepts[concept].id]
        np.testing.assert_array_equal(image.transpose(1, 2, 0), expected)
    assert not ((read.style == 2) & (read.concept == 3)).any()
    assert read.styles[2].withheld


def test_a_drawing_is_cut_to_its_frame_and_stands_in_the_middle():
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (10, 40, 70, 70))  # twice as wide as high
    page = on_white(image)
    rows, columns = np.nonzero((page != 255).any(2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 22, 1, 30)


def test_without_npm_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"npm is not installed; install Node\.js"):
        build_emoji.fetch(tmp_path / "packages", ("noto",))
