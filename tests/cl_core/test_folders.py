"""A person's own images: any size and mode is taken, whatever is wrong is said in a sentence."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cl_core import datasets
from cl_core.config import StreamConfig
from cl_core.datasets import DataError
from cl_core.stream import TaskStream


def _fill(root: Path, name: str, count: int = 10, mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Path:
    (root / name).mkdir(parents=True)
    draws = np.random.default_rng(count)
    for i in range(count):
        pixels = draws.integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
        Image.fromarray(pixels, "RGBA").convert(mode).save(root / name / f"{i}.png")
    return root / name


def test_images_of_any_mode_and_size_become_a_stream(tmp_path: Path):
    for mode, size in (("RGB", (40, 30)), ("L", (7, 90)), ("RGBA", (32, 32)), ("P", (1, 1)), ("1", (300, 5))):
        _fill(tmp_path, mode, mode=mode, size=size)
    stream = TaskStream(StreamConfig(data=f"folder:{tmp_path}", increment=2), seed=0)
    assert stream.class_names == tuple(sorted(("RGB", "L", "RGBA", "P", "1")))
    assert stream.task_sizes == (2, 2, 1)
    for split, each in (("train", 6), ("validation", 2), ("test", 2)):
        found = stream.seen(2, split)
        assert found.images.shape == (5 * each, 3, 32, 32)
        assert np.bincount(found.labels).tolist() == [each] * 5


def test_splits_are_disjoint_and_the_same_each_time_and_follow_the_files(tmp_path: Path):
    _fill(tmp_path, "cats", 20)
    _fill(tmp_path, "mugs", 13)
    one = datasets.load(f"folder:{tmp_path}")
    pictures = [image.tobytes() for split in datasets.SPLITS for image in one.split(split).images]
    assert len(set(pictures)) == len(pictures) == 33
    datasets.folders._load.cache_clear()
    assert datasets.load(f"folder:{tmp_path}").fingerprint == one.fingerprint
    Image.new("RGB", (9, 9)).save(tmp_path / "mugs" / "new.png")
    assert datasets.load(f"folder:{tmp_path}").fingerprint != one.fingerprint


def test_what_is_wrong_with_a_folder_is_said_in_a_sentence(tmp_path: Path):
    def said(path: Path) -> str:
        with pytest.raises(DataError) as caught:
            datasets.load(f"folder:{path}")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "There is no folder" in said(tmp_path / "none")
    with pytest.raises(DataError, match="needs a path"):
        datasets.load("folder:")
    assert "cannot be read" in said(Path("~nobody-has-this-name/photos"))
    assert "no sub-folder with images" in said(tmp_path)
    cats = _fill(tmp_path / "one", "cats")
    assert "only one sub-folder of images (“cats”); at least two classes" in said(tmp_path / "one")
    assert "one sub-folder for each class" in said(cats)
    assert f"did you mean {tmp_path / 'one'}?" in said(tmp_path)  # one folder too high up
    _fill(tmp_path / "few", "cats")
    _fill(tmp_path / "few", "dogs", count=1)
    assert "“dogs” has 1 readable image; at least 5" in said(tmp_path / "few")
    for file in _fill(tmp_path / "broken", "cats").iterdir():
        file.write_bytes(file.read_bytes()[:40])
    _fill(tmp_path / "broken", "dogs")
    assert "“cats” has 0 readable images" in said(tmp_path / "broken")


def test_damaged_files_are_left_out_and_counted_and_links_are_not_followed(tmp_path: Path):
    cats = _fill(tmp_path / "data", "cats")
    _fill(tmp_path / "data", "dogs")
    secret = _fill(tmp_path, "secret", 7)
    (tmp_path / "data" / "linked").symlink_to(secret, target_is_directory=True)
    (cats / "link.png").symlink_to(secret / "0.png")
    (cats / "text.png").write_text("not an image")
    (cats / "notes.txt").write_text("ignored")
    found = datasets.load(f"folder:{tmp_path / 'data'}")
    assert found.class_names == ("cats", "dogs")
    assert sum(len(found.split(split)) for split in datasets.SPLITS) == 20
    assert "1 file could not be read and was left out" in found.licence


def test_a_large_photo_that_lies_on_its_side_is_turned_upright(tmp_path: Path):
    for name in ("cats", "mugs"):
        _fill(tmp_path, name)
    photo = Image.new("RGB", (1600, 1600), "white")
    photo.paste("black", (0, 0, 800, 1600))  # dark on the left as it is stored …
    exif = photo.getexif()
    exif[0x0112] = 6  # … and to be turned by a quarter clockwise: dark at the top
    photo.save(tmp_path / "photo.jpg", exif=exif)
    seen = datasets.folders._read(tmp_path / "photo.jpg")
    assert seen is not None
    assert seen[:, :15].max() < 20
    assert seen[:, 17:].min() > 235


def test_a_grey_picture_of_16_bits_keeps_its_shades():
    content = io.BytesIO()
    shades = np.repeat(np.linspace(0, 65535, 64).astype(np.uint16)[None], 64, axis=0)
    Image.fromarray(shades).save(content, "PNG")
    seen = datasets.folders.picture(content)
    assert seen is not None
    assert (np.diff(seen[0, 0].astype(int)) > 0).all()
    assert int(seen[0, 0, 16]) == pytest.approx(130, abs=5)


def test_two_levels_of_folders_are_domains_with_the_same_classes(tmp_path: Path):
    for domain, count in (("photo", 10), ("sketch", 7)):
        for name in ("cats", "mugs"):
            _fill(tmp_path / domain, name, count)
    found = datasets.load(f"folder:{tmp_path}")
    assert found.class_names == ("cats", "mugs")
    assert found.domains == ("photo", "sketch")
    sizes = {"train": [6, 5], "validation": [2, 1], "test": [2, 1]}  # of each class, in each domain
    for split in datasets.SPLITS:
        part = found.split(split)
        assert part.domains is not None
        assert part.domains.dtype == np.int64
        for domain in (0, 1):
            assert np.bincount(part.labels[part.domains == domain]).tolist() == [sizes[split][domain]] * 2
    train = found.split("train")
    some = train.rows(np.flatnonzero(train.domains == 1)[:3])
    assert some.domains.tolist() == [1, 1, 1]
    without = datasets.load(f"folder:{tmp_path / 'photo'}")
    assert without.domains == ()
    assert without.split("test").domains is None
    assert without.fingerprint != found.fingerprint


def test_splits_are_not_taken_for_domains(tmp_path: Path):
    for part in ("test", "train", "val"):
        for name in ("cats", "mugs"):
            _fill(tmp_path / part, name)
    with pytest.raises(DataError, match=rf"test and train and val already, .* name {tmp_path / 'train'} alone"):
        datasets.load(f"folder:{tmp_path}")


def test_what_is_wrong_with_domains_is_said_in_a_sentence(tmp_path: Path):
    _fill(tmp_path / "photo", "cats")
    _fill(tmp_path / "photo", "mugs")
    _fill(tmp_path / "sketch", "cats")
    with pytest.raises(DataError, match="“sketch” has no images of the class “mugs”; every domain needs the same"):
        datasets.load(f"folder:{tmp_path}")
    _fill(tmp_path / "sketch", "mugs", 2)
    with pytest.raises(DataError, match="“mugs” of the domain “sketch” has 2 readable images; at least 5"):
        datasets.load(f"folder:{tmp_path}")
    _fill(tmp_path, "stray")
    with pytest.raises(DataError, match="“stray” holds images and “photo” has sub-folders of images; either all"):
        datasets.load(f"folder:{tmp_path}")
