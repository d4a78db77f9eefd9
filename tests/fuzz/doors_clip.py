"""Checkpoints of CLIP from elsewhere: cut off, of another architecture, pickles that run code, headers that lie."""

import functools
import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import nasty
import numpy as np
import safetensors.numpy
from doors import REFUSALS, drawn
from hypothesis import strategies as of
from watch import Tally, enter


class _Runs:
    """Unpickled, it would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self.path,)


def clip_checkpoints(count: int, root: Path, told: Tally) -> None:
    """As the small CLIP's weights, and as a checkpoint for any other vision transformer of open_clip."""
    import torch

    from cl_core.backbones import architectures, clip_weights, small_clip

    place = root / "checkpoints"
    place.mkdir()
    good = small_clip.SMALL_WEIGHTS.read_bytes()
    model = architectures.construct(architectures.SMALL, architectures.config_of(architectures.SMALL), 0)

    def bring(content: bytes, what: str, ending: str = ".safetensors") -> None:
        file = place / f"weights{ending}"
        file.write_bytes(content)
        _enter(file, what)
        file.unlink()

    def _enter(file: Path, what: str) -> None:
        if file.suffix == ".safetensors" and told.inputs % 2:
            enter(lambda: small_clip.load_small(file), REFUSALS, place, told, f"clip: {what}")
        else:
            load = functools.partial(clip_weights.fill, model, architectures.SMALL, str(file), {})
            enter(load, REFUSALS, place, told, f"clip, open_clip: {what}")

    for name, content in list(_corpus(good, place).items())[: max(0, count - 6)]:
        bring(content, name)
    for name, content in list(_pickles(torch, root).items())[: max(0, count - told.inputs - 3)]:
        bring(content, name, ".pt")
    (place / "folder.safetensors").mkdir()
    (place / "link.safetensors").symlink_to("/dev/zero")
    os.mkfifo(place / "pipe.safetensors")
    for name in ("folder", "link", "pipe"):
        for _ in range(2):
            _enter(place / f"{name}.safetensors", name)
    head = of.just(good[:4000] + good[4000:][:3000])
    drawn(head.flatmap(nasty.spoiled_bytes), (count - told.inputs) // 2, lambda content: bring(content, "spoiled, cut"))
    drawn(nasty.spoiled_bytes(good), count - told.inputs, lambda content: bring(content, "spoiled"))


def _corpus(good: bytes, place: Path) -> dict[str, bytes]:
    """safetensors files by what is wrong with them."""
    arrays = safetensors.numpy.load(good)
    rows = "token_embedding.weight"

    def changed(**others: Any) -> bytes:
        return safetensors.numpy.save(
            {k: np.ascontiguousarray(v) for k, v in (arrays | others).items() if v is not None}
        )

    def header(text: bytes, size: int | None = None) -> bytes:
        return struct.pack("<Q", len(text) if size is None else size) + text

    ids = arrays["token_ids"]
    lying = json.dumps({"x": {"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 8]}}).encode()
    odd = json.dumps({"x": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}).encode()
    return {
        "another architecture": safetensors.numpy.save({"visual.conv1.weight": np.ones((768, 3, 32, 32), np.float32)}),
        "no tensors": safetensors.numpy.save({}),
        "huge header": header(b"{}", 2**62),
        "a header of 90 MB": header(b"{" + b" " * 90_000_000 + b"}"),
        "deep header": header(b"[" * 100_000),
        "a header that lies": header(lying) + bytes(8),
        "an odd type": header(odd) + bytes(1),
        "twice the same name": header(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
                                      b'"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}}') + bytes(4),
        "cut": good[: len(good) // 2],
        "cut in the header": good[:100],
        "more at its end": good + bytes(1000),
        "no token ids": changed(token_ids=None),
        "no embedding": changed(**{rows: None}),
        "negative ids": changed(token_ids=-ids - 1),
        "ids beyond": changed(token_ids=ids + 10**6),
        "ids that are no numbers": changed(token_ids=np.full(len(ids), np.nan, np.float32)),
        "ids of two dimensions": changed(token_ids=ids[:, None]),
        "no ids at all": changed(token_ids=ids[:0]),
        "a wide embedding": changed(**{rows: np.zeros((1, 1_000_000), np.float16), "token_ids": ids[:1]}),
        "a flat embedding": changed(**{rows: np.zeros(10, np.float16)}),
        "all bytes": changed(**{name: array.astype(np.int8) for name, array in arrays.items() if name != "token_ids"}),
        "all bool": changed(**{name: array.astype(bool) for name, array in arrays.items()}),
        "not a number": changed(**{rows: np.full_like(arrays[rows], np.nan)}),
        "infinite": changed(**{"logit_scale": np.array(np.inf, np.float16)}),
        "more tensors": changed(**{"../../out": ids}),
        "empty": b"",
        "a pickle by that name": pickle.dumps(_Runs(place / "pickled")),
        "a zip by that name": b"PK\x03\x04" + bytes(50),
    }  # fmt: skip


def _pickles(torch: Any, root: Path) -> dict[str, bytes]:
    """Files for torch.load."""

    def saved(value: Any) -> bytes:
        buffer = io.BytesIO()
        torch.save(value, buffer)
        return buffer.getvalue()

    whole = saved({"x": torch.ones(3)})
    bomb = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved({"x": torch.zeros(20_000_000)}))) as source, zipfile.ZipFile(bomb, "w") as to:
        for name in source.namelist():
            to.writestr(name, source.read(name), zipfile.ZIP_DEFLATED)
    return {
        "code": saved({"x": _Runs(root / "pickled")}),
        "code, an old pickle": pickle.dumps(_Runs(root / "pickled"), protocol=2),
        "code, by hand": b"cos\nmkdir\n(S'" + str(root / "pickled").encode() + b"'\ntR.",
        "a module": saved(torch.nn.Linear(2, 2)),
        "a list": saved([torch.ones(2)]),
        "a number": saved(3),
        "names that are no text": saved({3: torch.ones(2), ("a",): 4}),
        "values that are no tensors": saved({"visual.proj": "hello", "logit_scale": None}),
        "nested": saved({"state_dict": {"state_dict": {"x": torch.ones(1)}}}),
        "another architecture": whole,
        "cut": whole[: len(whole) // 2],
        "packed tightly": bomb.getvalue(),
        "a checkpoint of TensorFlow": b"\x89HDF\r\n\x1a\n" + bytes(200),
        "empty": b"",
        "deep": b"\x80\x02" + b"(" * 200_000 + b".",
        "safetensors by another name": safetensors.numpy.save({"x": np.ones(2, np.float32)}),
    }
