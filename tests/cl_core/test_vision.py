"""Well-known sets in torchvision's own files: tiny ones, written by hand. Nothing goes over a network."""

import functools
import gzip
import hashlib
import http.server
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from cl_core import datasets
from cl_core.__main__ import main
from cl_core.datasets import DataError, vision

EACH = {"train": 20, "test": 5}  # images a class


def images(part: str, classes: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Noise whose first pixel is the class, in all channels; shuffled."""
    draws = np.random.default_rng(len(part))
    labels = draws.permutation(np.repeat(np.arange(classes), EACH[part]))
    pixels = draws.integers(0, 256, (len(labels), *shape), dtype=np.uint8)
    pixels[..., 0, 0] = labels.reshape(-1, *[1] * (len(shape) - 2))
    return pixels, labels


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def idx_files(classes: int = 10) -> dict[str, bytes]:
    files = {}
    for part, stem in (("train", "train"), ("test", "t10k")):
        pixels, labels = images(part, classes, (28, 28))
        files[f"{stem}-images-idx3-ubyte"] = idx(pixels)
        files[f"{stem}-labels-idx1-ubyte"] = idx(labels.astype(np.uint8))
    return files


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INVERSION_LAB_DATA", str(tmp_path / "data"))
    vision._load.cache_clear()
    return tmp_path / "data"


@pytest.fixture
def mnist(folder: Path) -> Path:
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in idx_files().items():
        (raw / name).write_bytes(content)
    return raw


@pytest.fixture
def cifar(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CIFAR-10 with four classes in one batch; torchvision is told the sums of these files."""
    from torchvision.datasets import CIFAR10

    place = folder / "cifar-10-batches-py"
    place.mkdir(parents=True)
    parts = {}
    for part, name in (("train", "data_batch_1"), ("test", "test_batch")):
        pixels, labels = images(part, 4, (3, 32, 32))
        parts[name] = pickle.dumps({"data": pixels.reshape(len(pixels), -1), "labels": labels.tolist()})
    parts["batches.meta"] = pickle.dumps({"label_names": ["plane", "car", "bird", "cat"]})
    for name in vision.SOURCES["cifar-10"].files:
        (folder / name).write_bytes(parts.get(Path(name).name, b""))
    monkeypatch.setattr(CIFAR10, "train_list", [["data_batch_1", md5(parts["data_batch_1"])]])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", md5(parts["test_batch"])]])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": md5(parts["batches.meta"])})
    return place


@pytest.fixture
def svhn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import scipy.io
    from torchvision.datasets import SVHN

    folder.mkdir()
    sums = {}
    for part in EACH:
        pixels, labels = images(part, 10, (3, 32, 32))
        file = folder / f"{part}_32x32.mat"
        labels[labels == 0] = 10  # as the original files call the digit 0
        scipy.io.savemat(file, {"X": pixels.transpose(2, 3, 1, 0), "y": labels[:, None]})
        sums[part] = ["", file.name, md5(file.read_bytes())]
    monkeypatch.setattr(SVHN, "split_list", sums)
    return folder


def check(dataset: datasets.Dataset, channels: int, side: int) -> None:
    """18 to learn from, 2 for validation and 5 for the test a class; the first pixel says the class; all disjoint."""
    for split, each in (("train", 18), ("validation", 2), ("test", 5)):
        part = dataset.split(split)
        assert part.images.shape == (each * len(dataset.class_names), channels, side, side)
        assert (part.images.dtype, part.labels.dtype) == (np.uint8, np.int64)
        assert np.bincount(part.labels).tolist() == [each] * len(dataset.class_names)
        assert (part.images[:, :, 0, 0] == part.labels[:, None]).all()
    whole = [image.tobytes() for split in datasets.SPLITS for image in dataset.split(split).images]
    assert len(set(whole)) == len(whole) == 25 * len(dataset.class_names)


def test_mnist_stays_grey_and_is_shared_out_the_same_each_time(mnist: Path):
    found = datasets.load("mnist")
    check(found, 1, 28)
    assert found.class_names == tuple("0123456789")
    assert datasets.load("mnist") is found  # read once
    vision._load.cache_clear()
    again = datasets.load("mnist")
    assert again.fingerprint == found.fingerprint
    assert (again.split("validation").images == found.split("validation").images).all()
    file = mnist / "t10k-images-idx3-ubyte"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert datasets.load("mnist").fingerprint != found.fingerprint  # one pixel


def test_cifar_has_three_channels_and_its_own_class_names(cifar: Path):
    found = datasets.load("cifar-10")
    check(found, 3, 32)
    assert found.class_names == ("plane", "car", "bird", "cat")
    assert "Krizhevsky" in found.licence


def test_svhn_calls_the_digit_nought_0(svhn: Path):
    check(datasets.load("svhn"), 3, 32)


@pytest.mark.parametrize("file", ["data_batch_1", "test_batch", "batches.meta"])
def test_a_pickle_that_is_not_the_official_one_is_never_opened(cifar: Path, file: str):
    class Harm:
        def __reduce__(self):
            return Path.touch, (cifar / "harm",)

    (cifar / file).write_bytes(pickle.dumps(Harm()))
    with pytest.raises(DataError, match=r"CIFAR-10 in .* are damaged; `python -m cl_core data cifar-10 --fetch`"):
        datasets.load("cifar-10")
    assert not (cifar / "harm").exists()


@pytest.mark.parametrize("harm", ["cut", "empty", "text", "few labels", "a class is missing", "an unknown class"])
def test_damaged_numbers_are_a_sentence(mnist: Path, harm: str):
    labels = np.repeat(np.arange(10, dtype=np.uint8), 20)
    name, content = {
        "cut": ("train-images-idx3-ubyte", (mnist / "train-images-idx3-ubyte").read_bytes()[:-9]),
        "empty": ("train-labels-idx1-ubyte", b""),
        "text": ("t10k-images-idx3-ubyte", b"<html>not found</html>"),
        "few labels": ("train-labels-idx1-ubyte", idx(labels[:50])),
        "a class is missing": ("train-labels-idx1-ubyte", idx(labels // 2)),
        "an unknown class": ("train-labels-idx1-ubyte", idx(labels + 1)),
    }[harm]
    (mnist / name).write_bytes(content)
    with pytest.raises(DataError, match=r"MNIST in .* are damaged") as caught:
        datasets.load("mnist")
    assert "\n" not in str(caught.value)


def test_what_is_not_here_says_how_to_fetch_it(capsys: pytest.CaptureFixture[str]):
    for name in vision.SOURCES:
        assert name not in datasets.available()
        assert main(["data", name]) == 2
        said = capsys.readouterr().err
        assert "is not on this computer" in said
        assert f"`python -m cl_core data {name} --fetch`" in said


def test_the_command_lists_and_shows(mnist: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["data"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert "comes with the program" in lines["fashion-mnist"]
    assert "on this computer" in lines["mnist"]
    assert "170 MB: python -m cl_core data cifar-10 --fetch" in lines["cifar-10"]
    assert datasets.available() == (*datasets.NAMES, "mnist")
    assert main(["data", "mnist"]) == 0
    out = capsys.readouterr().out
    assert "MNIST: 10 classes, 28 × 28, grey" in out
    assert ["7", "18", "2", "5"] in [line.split() for line in out.splitlines()]
    assert ["all", "180", "20", "50"] in [line.split() for line in out.splitlines()]
    assert "Licence: CC BY-SA 3.0" in out
    assert main(["data", "--fetch"]) == 2
    assert main(["data", "fashion-mnist", "--fetch"]) == 2
    assert "cannot be fetched" in capsys.readouterr().err


def test_fetching_checks_what_arrives_and_puts_it_in_place(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request
):
    """From a server of this test's own that plays the internet."""
    from torchvision.datasets import MNIST

    internet = tmp_path / "internet"
    internet.mkdir()
    packed = {f"{name}.gz": gzip.compress(content) for name, content in idx_files().items()}
    for name, content in packed.items():
        (internet / name).write_bytes(content)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(internet))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    request.addfinalizer(server.shutdown)
    monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(MNIST, "resources", [(name, md5(content)) for name, content in packed.items()])
    assert main(["data", "mnist", "--fetch"]) == 0
    check(datasets.load("mnist"), 1, 28)
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()) == sorted(
        vision.SOURCES["mnist"].files
    )
    assert main(["data", "mnist", "--fetch"]) == 0
    assert "is here already" in capsys.readouterr().out

    (folder / vision.SOURCES["mnist"].files[0]).unlink()
    (internet / "t10k-images-idx3-ubyte.gz").write_bytes(b"something else")
    assert main(["data", "mnist", "--fetch"]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("MNIST could not be fetched (")
    assert said.endswith("check the internet connection and try again.")
    assert not vision.on_disk("mnist")
    assert not vision.arriving("mnist").exists()


def test_a_folder_that_cannot_be_written_to_is_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]):
    folder.write_text("a file")
    assert main(["data", "svhn", "--fetch"]) == 2
    assert capsys.readouterr().err.startswith(f"SVHN could not be stored in {folder}")


def test_what_is_here_is_known_without_torch():
    code = (
        "import sys\nfrom cl_core import datasets\nfrom cl_core.commands import data\n"
        "datasets.available(), data.listing()\nprint({'torch', 'torchvision', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
