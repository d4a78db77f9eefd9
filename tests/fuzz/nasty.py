"""Malformed inputs: a corpus of nasty files, and strategies (hypothesis) that spoil good ones."""

import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

TAG, FORMULA = "<img src=x onerror=alert(1)>", '=HYPERLINK("http://x")'

VALUES = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            -1,
            1,
            2**31,
            2**63,
            -(2**70),
            1e308,
            -1e308,
            float("nan"),
            float("inf"),
            -float("inf"),
            "",
            "x" * 100_000,
            "../../etc/passwd",
            "/etc/passwd",
            TAG,
            FORMULA,
            "\u0000",
            "\ud800",
            "\u202e",
            "${7*7}",
            [],
            {},
            [[]],
            [None],
            {"": {}},
            [1e400],
            "NaN",
            "1e5",
            0.5,
            [0.1] * 10_000,
        ]
    ),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(-3, 3), max_size=4),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


def _places(plain: Any, here: tuple = ()) -> list[tuple]:
    """The paths to everything in a JSON value."""
    inner = plain.items() if isinstance(plain, dict) else enumerate(plain[:4]) if isinstance(plain, list) else ()
    return [here, *(place for key, value in inner for place in _places(value, (*here, key)))]


@st.composite
def spoiled_json(draw: st.DrawFn, plain: Any, keep: tuple[str, ...] = ()) -> Any:
    """The value with one to three of its parts replaced, removed, doubled or renamed; top-level `keep` stays."""
    made = json.loads(json.dumps(plain))
    for _ in range(draw(st.integers(1, 3))):
        places = [place for place in _places(made) if place and place[0] not in keep]
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        inner = made
        for key in way:
            inner = inner[key]
        what = draw(st.sampled_from(["replace"] * 4 + ["remove", "more", "rename"]))
        if what == "replace":
            inner[last] = draw(VALUES)
        elif what == "remove":
            del inner[last]
        elif what == "more" and isinstance(inner, list):
            inner.append(draw(VALUES))
        elif isinstance(inner, dict):
            inner[draw(st.text(max_size=6))] = draw(VALUES) if what == "more" else inner.pop(last)
    return made


@st.composite
def spoiled_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes with some changed, cut off, put in, taken out or doubled."""
    made = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(made) - 1)))
        if draw(st.booleans()):  # where headers are
            at = min(at, draw(st.integers(0, 120)))
        match draw(st.sampled_from(["change"] * 3 + ["cut", "put in", "take out", "double", "huge number"])):
            case "change" if made:
                made[at] = draw(st.integers(0, 255))
            case "cut":
                del made[at:]
            case "put in":
                made[at:at] = draw(st.binary(max_size=40))
            case "take out":
                del made[at : at + draw(st.integers(1, 50))]
            case "double":
                made += made[at : at + 10_000]
            case "huge number":
                made[at : at + 4] = draw(st.sampled_from([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0"]))
    return bytes(made)


TEXTS = (
    b"",
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf{}",
    b"null",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"NaN",
    b"1e999999",
    b"\x00" * 99,
    b'{"format": 1, "format": 1, "steps": [], "steps": 3, "experiment": {}}',
    b"9" * 10_000,
    b'"\\ud800"',
    '{"format": 1}'.encode("utf-16"),
    b'{"format": NaN, "experiment": {"learn": {"lr": Infinity}}, "steps": []}',
    b'{"format": 1, "experiment": {"machine": {"seed": 1e308}}, "steps": []}',
    b'{"format": 1, "experiment": {"learn": {"lr": NaN}}, "steps": []}',
    b'{"format": 1, "experiment": {"stream": {"data": "folder:../../../../etc"}}, "steps": []}',
)


def png(width: int, height: int, rows: bytes = b"", mode: int = 2) -> bytes:
    """A PNG that says it is so large, with these compressed rows."""

    def part(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, mode, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


def _saved(image: Image.Image, kind: str, **more: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **more)
    return buffer.getvalue()


def pictures() -> dict[str, bytes]:
    """Image files by name: of every mode, animated, cut off, lying about their size, and what is no image."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 4), dtype=np.uint8)
    colour = Image.fromarray(noise, "RGBA")
    deep = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    frames = [colour.convert("P"), Image.new("P", (30, 20)), colour.convert("P")]
    good = _saved(colour.convert("RGB"), "PNG")
    found = {
        "rgb.png": good,
        "rgba.png": _saved(colour, "PNG"),
        "grey.png": _saved(colour.convert("L"), "PNG"),
        "grey-alpha.png": _saved(colour.convert("LA"), "PNG"),
        "bit.png": _saved(colour.convert("1"), "PNG"),
        "palette.png": _saved(colour.convert("P"), "PNG"),
        "deep.png": _saved(deep, "PNG"),
        "deep.tif": _saved(deep, "TIFF"),
        "float.tif": _saved(Image.fromarray(noise[..., 0].astype(np.float32)), "TIFF"),
        "cmyk.jpg": _saved(colour.convert("CMYK"), "JPEG"),
        "ycc.jpg": _saved(colour.convert("YCbCr"), "JPEG"),
        "lab.tif": _saved(colour.convert("RGB").convert("LAB"), "TIFF") if hasattr(Image, "core") else b"",
        "animated.gif": _saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "animated.webp": _saved(colour, "WEBP", save_all=True, append_images=[colour.rotate(90)]),
        "transparent.gif": _saved(colour.convert("P"), "GIF", transparency=0),
        "one.png": _saved(Image.new("RGB", (1, 1)), "PNG"),
        "thin.png": _saved(Image.new("RGB", (1, 5000)), "PNG"),
        "wide.png": _saved(Image.new("L", (9000, 2)), "PNG"),
        "empty.png": b"",
        "cut.png": good[: len(good) // 2],
        "header.png": good[:33],
        "text.png": b"<svg onload=alert(1)>",
        "huge.png": png(2**31 - 1, 2**31 - 1),
        "large.png": png(60_000, 60_000, bytes(1000)),
        "flat.png": png(0, 0),
        "bomb.png": png(7000, 7000, bytes(7000 * 21_001)),
        "lying.png": png(400, 400, bytes(99)),
        "zip.png": b"PK\x03\x04" + bytes(50),
        "pickle.png": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        "wrong-ending.jpg": good,
        "script.tif": b"II*\x00\xff\xff\xff\xff" + bytes(100),
        "loop.tif": b"II*\x00\x08\0\0\0\x01\0" + bytes(12) + b"\x08\0\0\0",
        "eps.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
    }
    return found | {f"{kind}.{kind}": _saved(colour.convert("RGB"), kind) for kind in ("bmp", "ppm", "webp")}


def zips(good: bytes) -> dict[str, bytes]:
    """Zips that want to leave their folder, to fill the disk, or are built in ways that nobody needs."""
    with zipfile.ZipFile(io.BytesIO(good)) as source:
        entries = {name: source.read(name) for name in source.namelist()}
    first = next(name for name in entries if "nodes" in name)

    def built(change: Callable[[zipfile.ZipFile], Any], kept: dict[str, bytes] = entries) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
            for name, content in kept.items():
                target.writestr(name, content)
            change(target)
        return buffer.getvalue()

    def link(target: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("store/nodes/link.json")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        target.writestr(info, "/etc/passwd")

    slips = [
        "../../out.json",
        "/tmp/out.json",
        "store/../../../out",
        "C:\\out",
        "..\\..\\out",
        "store/nodes/../../x",
        "x\x00y",
    ]
    found = {f"slip {name}": built(lambda z, name=name: z.writestr(name, b"harm")) for name in slips}
    found |= {
        "bomb": built(lambda z: z.writestr("zeros", bytes(50_000_000))),
        "bomb in place of a step": built(
            lambda z: z.writestr(first, bytes(30_000_000)), {k: v for k, v in entries.items() if k != first}
        ),
        "zip in zip": built(lambda z: z.writestr("store/inner.zip", good)),
        "link": built(link),
        "twice the same": built(lambda z: z.writestr(first, b"{}")),
        "very many": built(lambda z: [z.writestr(f"x{i}", b"") for i in range(21_000)]),
        "long name": built(lambda z: z.writestr("a" * 60_000, b"x")),
        "comment": built(lambda z: setattr(z, "comment", b"c" * 65_000)),
        "only a folder": built(lambda z: z.mkdir("store"), {}),
        "empty": built(lambda z: None, {}),
        "no zip": b"hello",
        "nothing": b"",
        "self-extracting": b"MZ" * 500 + good,
        "bytes after it": good + bytes(70_000),
        "encrypted": good.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
        "manifest of another kind": built(
            lambda z: z.writestr("manifest.json", b'{"kind": 1}'),
            {k: v for k, v in entries.items() if k != "manifest.json"},
        ),
    }
    for number, text in enumerate(TEXTS):
        rest = {k: v for k, v in entries.items() if k != "manifest.json"}
        found[f"manifest {number}"] = built(lambda z, text=text: z.writestr("manifest.json", text), rest)
    return found


def links(root: Path, secret: Path) -> None:
    """Links out of a folder, into itself and to nowhere, and things that are no files."""
    for name, target in (("out", secret), ("self", root), ("nowhere", root / "nothing"), ("device", Path("/dev/zero"))):
        (root / name).symlink_to(target)
    for folder in [f for f in root.iterdir() if f.is_dir() and not f.is_symlink()][:1]:
        (folder / "link.png").symlink_to(next(secret.rglob("*.png")))
        (folder / "zero.png").symlink_to("/dev/zero")
        os.mkfifo(folder / "pipe.png")
        (folder / "folder.png").mkdir()
