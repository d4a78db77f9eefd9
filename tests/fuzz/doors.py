"""The doors through which foreign data comes in, each with malformed inputs for it. No torch but where data is read."""

import dataclasses
import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import nasty
import numpy as np
import safetensors.numpy
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as of
from watch import Tally, enter

from cl_core import archive, upkeep
from cl_core.config import ConfigError
from cl_core.datasets import DataError, folders, vision
from cl_core.snapshot import freeze
from cl_core.store import Store, StoreError, sealed
from dashboard import evidence

REFUSALS = (ConfigError, DataError, StoreError, evidence.EvidenceError)


def drawn(strategy: of.SearchStrategy, count: int, use: Callable[[Any], None]) -> None:
    """Call `use` with so many draws; it notes what happens and raises nothing."""
    if count < 1:
        return
    quiet = settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), derandomize=True,
    )  # fmt: skip
    quiet(given(strategy)(use))()


def run_of(path: Path) -> tuple[Store, str]:
    """A store with a small whole run, made by the stand-in core, with a network in each step."""
    import fake_core

    made, store = Store(path / "made"), Store(path / "run")
    for step in fake_core.grown("pmi", made, 4):
        network = {} if step.verb == "start" else {"model/weight": np.ones((2, 2), np.float32)}
        store.save(dataclasses.replace(step, arrays=freeze(dict(step.arrays) | network)))
        leaf = step.id
    return store, leaf


# Imported runs.


def runs(count: int, root: Path, told: Tally) -> list[tuple[Path, str]]:
    """Zips: the corpus, spoiled bytes, and steps that were changed and sealed anew. Gives the stores that took one."""
    source, leaf = run_of(root)
    good = archive.pack(source, leaf, {})
    inside, accepted = root / "inside", list[tuple[Path, str]]()
    inside.mkdir()

    def bring(content: bytes, what: str) -> None:
        place = inside / f"store{told.inputs}"
        node = enter(lambda: archive.unpack(io.BytesIO(content), Store(place)), REFUSALS, inside, told, what)
        left = [f for f in inside.iterdir() if f != place] + list(place.glob(".import-*"))
        told.outside += [f"{what} left {file}" for file in left]
        if node is not None and not told.faults:
            assert not upkeep.verify(Store(place)).damaged, what
        if node is None or len(accepted) > 40:
            shutil.rmtree(place, ignore_errors=True)
        else:
            kept = root / f"accepted{len(accepted)}"
            place.rename(kept)
            accepted.append((kept, node))

    for name, content in list(nasty.zips(good).items())[:count]:
        bring(content, f"run: {name}")
    left = max(0, count - told.inputs)
    drawn(nasty.spoiled_bytes(good), left // 4, lambda content: bring(content, "run: spoiled bytes"))
    drawn(_resealed(source, leaf), left - left // 4, lambda content: bring(content, "run: sealed anew"))
    return accepted


def _resealed(source: Store, leaf: str) -> of.SearchStrategy[bytes]:
    """The run with one step's record, config or arrays changed and everything sealed as if it had been written so."""
    path = source.lineage(leaf)
    nodes = {step.id: source.read_node(step.id) for step in path}
    objects = {d: source.files.read(f"objects/{d}.safetensors") for n in nodes.values() for d in n["objects"].values()}

    @of.composite
    def make(draw: of.DrawFn) -> bytes:
        harmed, more = draw(of.sampled_from(path[1:])).id, dict(objects)
        plain = nodes[harmed]
        if draw(of.integers(0, 3)):
            section = draw(of.sampled_from(["record", "record", "all", "config"]))
            if section == "all":
                plain = draw(nasty.spoiled_json(plain, keep=("format", "record", "config")))
            else:
                plain = plain | {section: draw(nasty.spoiled_json(plain[section]))}
        else:
            group = draw(of.sampled_from(sorted(plain["objects"])))
            content = _spoiled_arrays(draw, objects[plain["objects"][group]])
            digest = hashlib.sha256(content).hexdigest()
            more[digest] = content
            plain = plain | {"objects": plain["objects"] | {group: digest}}
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as target:
            manifest = {"kind": archive.KIND, "format": 1, "nodes": [step.id for step in path]}
            target.writestr("manifest.json", json.dumps(manifest))
            for name, node in nodes.items():
                text = json.dumps(_sealed(plain) if name == harmed else sealed(node)).encode()
                target.writestr(f"store/nodes/{name}.json", text)
            for digest, content in more.items():
                target.writestr(f"store/objects/{digest}.safetensors", content)
        return buffer.getvalue()

    return make()


def _sealed(plain: Any) -> Any:
    plain = {k: v for k, v in plain.items() if k != "seal"} if isinstance(plain, dict) else {}
    return sealed(plain)


def _spoiled_arrays(draw: of.DrawFn, content: bytes) -> bytes:
    arrays = safetensors.numpy.load(content)
    name = draw(of.sampled_from(sorted(arrays)))
    array = arrays[name]
    match draw(of.sampled_from(["type", "shape", "nan", "negative", "large", "gone", "more", "bytes", "bytes"])):
        case "type":
            arrays[name] = array.astype(draw(of.sampled_from(["f8", "i8", "u1", "bool", "i2"])))
        case "shape":
            arrays[name] = array.reshape(-1)[: draw(of.integers(0, 50))]
        case "nan":
            arrays[name] = np.full(array.shape, np.nan, np.float32)
        case "negative":
            arrays[name] = -np.abs(array.astype(np.float64)).astype(array.dtype) - np.ones((), array.dtype)
        case "large":
            arrays[name] = np.full(array.shape, 10_000).astype(array.dtype)
        case "gone":
            del arrays[name]
        case "more":
            arrays[f"../{name}"] = array
        case "bytes":
            return draw(nasty.spoiled_bytes(content))
    return safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in arrays.items()})


# Folders of images, data sets on disk.


def image_folders(count: int, root: Path, told: Tally) -> None:
    """Each nasty picture among good ones; links; spoiled good ones; names with markup; folders in folders."""
    pictures = nasty.pictures()
    good = [content for name, content in pictures.items() if name in ("rgb.png", "grey.png", "bmp.bmp")]
    secret = root / "secret"
    secret.mkdir()
    (secret / "0.png").write_bytes(pictures["rgba.png"])

    def bring(files: dict[str, bytes], what: str, more: Callable[[Path], None] = lambda place: None) -> None:
        place = root / f"folder{told.inputs}"
        for name in (nasty.TAG.replace("/", ""), nasty.FORMULA.replace("/", "")):
            (place / name).mkdir(parents=True)
            for i in range(6):
                (place / name / f"{i}.png").write_bytes(good[i % len(good)])
        first = place / nasty.FORMULA.replace("/", "")
        for name, content in files.items():
            (first / name).write_bytes(content)
        more(place)
        found = enter(lambda: folders.load(str(place)), REFUSALS, place, told, f"folder: {what}")
        if found is not None:
            assert 10 <= sum(len(found.split(s)) for s in ("train", "validation", "test")) <= 13 + len(files), what
        shutil.rmtree(place)

    def deep(place: Path) -> None:
        for _ in range(60):
            place = place / "deep"
            place.mkdir()

    bring({}, "links", lambda place: nasty.links(place, secret))
    bring({}, "deep", deep)
    bring({"\udcff\udcfe.png": good[0], "..png": good[0], ".hidden.png": good[0], "a\nb.png": good[0]}, "names")
    for name, content in list(pictures.items())[: max(0, count - told.inputs)]:
        bring({name: content}, name)
    base = of.sampled_from(sorted(name for name, content in pictures.items() if 50 < len(content) < 20_000))
    spoiled = base.flatmap(lambda name: of.tuples(of.just(name), nasty.spoiled_bytes(pictures[name])))
    drawn(spoiled, count - told.inputs, lambda pair: bring({pair[0]: pair[1]}, f"spoiled {pair[0]}"))


def data_on_disk(count: int, root: Path, told: Tally) -> None:
    """Files of MNIST that are spoiled; pickles where CIFAR's should be; a SVHN that is none."""
    import scipy.io  # noqa: F401  (it takes seconds, and is not what is watched here)
    import torchvision.datasets  # noqa: F401

    place = root / "data"
    pixels = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    labels = np.arange(20, dtype=np.uint8) % 10
    whole = {}
    for stem in ("train", "t10k"):
        for kind, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
            whole[f"MNIST/raw/{stem}-{kind}-ubyte"] = bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()
    code = b"cos\nmkdir\n(S'" + str(root / "pickled").encode() + b"'\ntR."
    others = {"cifar-10": code, "cifar-100": code, "svhn": b"MATLAB 5.0 MAT-file" + bytes(300)}

    def bring(name: str, files: dict[str, bytes], what: str) -> None:
        for file, content in files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(content)
        with mock.patch.dict("os.environ", INVERSION_LAB_DATA=str(place)):
            enter(lambda: vision.load(name), REFUSALS, place, told, f"data: {what}")
        shutil.rmtree(place)

    bring("mnist", whole, "as it should be")
    for name, content in others.items():
        for kind in (content, b"", b"\x80\x04\x95" + bytes(50)):
            bring(name, dict.fromkeys(vision.SOURCES[name].files, kind), name)
    names = of.sampled_from(sorted(whole))
    spoiled = names.flatmap(lambda name: of.tuples(of.just(name), nasty.spoiled_bytes(whole[name])))
    drawn(spoiled, count - told.inputs, lambda pair: bring("mnist", whole | {pair[0]: pair[1]}, f"spoiled {pair[0]}"))


@contextmanager
def nobody_else(path: Path) -> Iterator[None]:
    """A store of this trial's own."""
    with mock.patch.dict("os.environ", INVERSION_LAB_STORE=str(path)):
        yield
