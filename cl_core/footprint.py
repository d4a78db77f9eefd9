"""How many floats a network holds, from its configuration alone: weights, and maps of an image under way. No torch."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cl_core import datasets
from cl_core.config import NetworkConfig

PROMPTS = 4  # of a class, prompts.py
KEPT_IN_A_BLOCK = 13  # of a transformer, in its tokens: norms, queries, keys, values, the MLP's
UNDER_WAY_IN_A_BLOCK = 24  # in its tokens, where no gradients are needed; the MLP alone has 8
UNDER_WAY = 7  # of the largest map, where no gradients are needed
AT_ONCE, FLOATS_AT_ONCE = 500, 2**27  # images that pass at once where no gradients are needed, and what they may take

LARGE: Mapping[str, Any] = {  # ViT-L-14
    "embed_dim": 768,
    "vision_cfg": {"image_size": 224, "patch_size": 14, "width": 1024, "layers": 24},
    "text_cfg": {"width": 768, "heads": 12, "layers": 12},
}


@dataclass(frozen=True)
class Footprint:
    """Floats. Of one image: the maps kept for the way back, those whose statistics are taken, those under way at once

    where no gradients are needed, and the largest one. features: of a feature; prompts: kept of a class's prompts.
    fixed: what learning never changes is weights (a step builds it twice: as it is made, and as it is filled).
    """

    weights: float
    kept: float
    watched: float
    under_way: float
    widest: float
    features: int
    prompts: float = 0.0
    fixed: bool = False

    @property
    def at_once(self) -> int:
        """How many images pass through the network at once where no gradients are needed."""
        return max(1, min(AT_ONCE, int(FLOATS_AT_ONCE / self.under_way)))


def of(network: NetworkConfig, shape: tuple[int, int, int]) -> Footprint:
    """Of a network for images (c, h, w)."""
    return _of_clip(_architecture(network.clip)) if network.backbone == "clip" else _of_resnet(network, shape)


def _of_resnet(network: NetworkConfig, shape: tuple[int, int, int]) -> Footprint:
    """A block keeps what its two convolutions and its activations give, and SiLU's inputs too; the statistics look at

    the inputs of the block and of its norms (METHOD.md §3).
    """
    area, channels = shape[1] * shape[2] / network.stem_stride**2, network.width
    stem = blocks = channels * area
    blocks *= network.blocks
    weights = 9.0 * shape[0] * channels + 18 * network.blocks * channels**2
    for _ in range(2):
        area, channels = area / 4, 2 * channels
        blocks += network.blocks * channels * area
        weights += (18 * network.blocks - 4) * channels**2  # its first block comes from half as many channels
    silu = network.activation == "silu"
    return Footprint(
        weights=weights,
        kept=(3 if silu else 2) * stem + (6 if silu else 4) * blocks,
        watched=stem + 3 * blocks,
        under_way=UNDER_WAY * stem,
        widest=stem,
        features=channels * network.pool**2,
    )


def _of_clip(architecture: Mapping[str, Any]) -> Footprint:
    vision, text = architecture["vision_cfg"], architecture["text_cfg"]
    patches = (vision["image_size"] // vision["patch_size"]) ** 2
    width, context = vision["width"], text.get("context_length", 77)
    tokens = width * (patches + 1)
    return Footprint(
        weights=_weights(vision)
        + 3 * vision["patch_size"] ** 2 * width
        + _weights(text)
        + (text.get("vocab_size", 49408) + context) * text["width"],
        kept=_kept(vision, patches + 1, width // vision.get("head_width", 64)),
        watched=2 * tokens * vision["layers"],
        under_way=UNDER_WAY_IN_A_BLOCK * tokens,
        widest=4 * tokens,
        features=architecture["embed_dim"],
        prompts=PROMPTS * _kept(text, context, text.get("heads", 8)),
        fixed=True,
    )


def _weights(tower: Mapping[str, Any]) -> float:
    """Of a transformer's blocks: four square maps of attention, two of four widths each of the MLP."""
    return (4 + 2 * tower.get("mlp_ratio", 4.0)) * tower["width"] ** 2 * tower["layers"]


def _kept(tower: Mapping[str, Any], tokens: int, heads: int) -> float:
    """Of one image, or one text, on its way through a transformer's blocks."""
    return float(tower["layers"] * (KEPT_IN_A_BLOCK * tower["width"] * tokens + 2 * heads * tokens**2))


def _architecture(name: str) -> Mapping[str, Any]:
    """A CLIP in open_clip's terms, read where open_clip keeps it, since its import brings torch.

    What is not there counts as ViT-L-14: whether it can be used at all is for backbones/clip.py to say.
    """
    if name == "small-clip":
        return _read(datasets.ASSETS / "clip" / f"{name}.json")
    found = importlib.util.find_spec("open_clip")
    folders = [Path(place) / "model_configs" for place in (found.submodule_search_locations if found else None) or ()]
    known = {file.stem: file for folder in folders for file in folder.glob("*.json")}
    architecture = _read(known[name]) if name in known else {}
    vision, text = architecture.get("vision_cfg", {}), architecture.get("text_cfg", {})
    return architecture if isinstance(vision.get("layers"), int) and "layers" in text else LARGE


def _read(file: Path) -> Mapping[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))
