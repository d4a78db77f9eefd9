"""`build-data`: the bundled subset of Fashion-MNIST, from the original idx files."""

import argparse
import gzip
import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cl_core.datasets import ASSETS, SPLITS, DataError, Split

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SIZES = {"train": 1000, "validation": 200, "test": 200}  # images a class
SEED = 0  # of the draw


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("build-data", help="build the bundled images from the original Fashion-MNIST files")
    parser.add_argument(
        "--source",
        type=Path,
        default=Path("/usr/share/datasets/fashion-mnist"),
        help="folder of the original idx .gz files; default: where Debian's package dataset-fashion-mnist puts them",
    )
    parser.add_argument("--out", type=Path, default=ASSETS / "fashion-mnist", help="folder to write; default: assets")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Draw a stratified subset, the same every time, and write it. Raises DataError when a source file is unfit."""
    training = _read_original(args.source, "train")
    splits = draw(training, _read_original(args.source, "t10k"), SIZES)
    total = write(args.out, splits)
    print(f"Wrote {', '.join(f'{len(split)} {name}' for name, split in splits.items())} images to {args.out}: "
          f"{total / 1e6:.1f} MB.")  # fmt: skip


def draw(training: Split, testing: Split, sizes: Mapping[str, int]) -> dict[str, Split]:
    """`sizes` images of each class a split, without replacement, class after class.

    Train and validation are disjoint draws from `training`, test is drawn from `testing`. Raises DataError when a
    class has too few images.
    """
    generator = np.random.default_rng(SEED)
    rows: dict[str, list[np.ndarray]] = {name: [] for name in SPLITS}
    for label in range(len(CLASS_NAMES)):
        pool = generator.permutation(np.flatnonzero(training.labels == label))
        test_pool = generator.permutation(np.flatnonzero(testing.labels == label))
        if len(pool) < sizes["train"] + sizes["validation"] or len(test_pool) < sizes["test"]:
            raise DataError(f"The source files hold too few images of “{CLASS_NAMES[label]}”; are they complete?")
        rows["train"].append(pool[: sizes["train"]])
        rows["validation"].append(pool[sizes["train"] :][: sizes["validation"]])
        rows["test"].append(test_pool[: sizes["test"]])
    return {name: (testing if name == "test" else training).rows(np.concatenate(index)) for name, index in rows.items()}


def write(folder: Path, splits: Mapping[str, Split]) -> int:
    """Write the splits and meta.json; returns the bytes written. The same images give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    checksums, total = {}, 0
    for name, split in splits.items():
        file = folder / f"{name}.npz"
        # An .npz is a zip of .npy files. LZMA makes it a seventh smaller than numpy's own deflate; np.load reads both.
        with zipfile.ZipFile(file, "w", compression=zipfile.ZIP_LZMA) as archive:
            for key, array in (("images", split.images), ("labels", split.labels)):
                with archive.open(f"{key}.npy", "w") as stream:
                    np.lib.format.write_array(stream, array, allow_pickle=False)
        content = file.read_bytes()
        checksums[file.name] = hashlib.sha256(content).hexdigest()
        total += len(content)
    meta = {
        "name": "fashion-mnist",
        "class_names": CLASS_NAMES,
        "sizes": {name: len(split) for name, split in splits.items()},
        "image": "uint8 (channels, height, width) = " + str(splits["train"].images.shape[1:]),
        "drawn": f"stratified, without replacement, NumPy default_rng({SEED}); train and validation from the original "
        "training files, test from the original test files",
        "licence": "MIT, © 2017 Zalando SE",
        "source": "Xiao, Rasul, Vollgraf: Fashion-MNIST, 2017, arXiv 1708.07747; Debian package dataset-fashion-mnist",
        "sha256": checksums,
    }
    text = json.dumps(meta, indent=1, ensure_ascii=False) + "\n"
    (folder / "meta.json").write_text(text, encoding="utf-8")
    return total + len(text.encode())


def _read_original(folder: Path, stem: str) -> Split:
    images = _read_idx(folder / f"{stem}-images-idx3-ubyte.gz", dimensions=3)
    labels = _read_idx(folder / f"{stem}-labels-idx1-ubyte.gz", dimensions=1)
    if len(images) != len(labels):
        raise DataError(f"The source files {stem}-* in {folder} differ in their numbers of images and labels.")
    return Split(images[:, None].copy(), labels.astype(np.int64))


def _read_idx(file: Path, dimensions: int) -> np.ndarray:
    """An idx file of bytes: 0 0 8 dimensions, each size as a big-endian int32, then the data."""
    advice = "install Debian's package dataset-fashion-mnist, or name their folder with --source"
    try:
        with gzip.open(file) as stream:
            content = stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"The source file {file} cannot be read; {advice}.") from error
    start = 4 + 4 * dimensions
    shape = tuple(np.frombuffer(content[4:start].ljust(4 * dimensions, b"\0"), ">i4"))
    if content[:4] != bytes([0, 0, 8, dimensions]) or len(content) - start != np.prod(shape, dtype=np.int64):
        raise DataError(f"The source file {file} is not the idx file expected; {advice}.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
