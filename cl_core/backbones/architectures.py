"""The architectures of CLIP and their tokenizers, through open_clip; the only file that knows open_clip.

The small CLIP comes with the program: an architecture in open_clip's own JSON form. Any plain vision transformer of
open_clip goes through the same code.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import open_clip
import torch
from huggingface_hub import try_to_load_from_cache
from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME, OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.transformer import QuickGELU
from torch import Tensor, nn

from cl_core.backbones.stem import stem
from cl_core.config import ConfigError
from cl_core.datasets import ASSETS

SMALL = "small-clip"  # the one that comes with the program
MEAN, STD = OPENAI_DATASET_MEAN, OPENAI_DATASET_STD  # of images, where an architecture names no others
_SMALL_ARCHITECTURE = ASSETS / "clip" / f"{SMALL}.json"


def config_of(name: str) -> dict[str, Any]:
    """An architecture in open_clip's form. Raises ConfigError for an unknown name, or an image tower that is no chain.

    A chain needs open_clip's own transformer with one pooled token; a tokenizer must not have to be fetched.
    """
    if name == SMALL:
        return json.loads(_SMALL_ARCHITECTURE.read_text(encoding="utf-8"))
    config = open_clip.get_model_config(name)
    if config is None:
        raise ConfigError(f"There is no CLIP “{name}”; known are {SMALL} and open_clip's, such as ViT-B-32.")
    vision, text = config["vision_cfg"], config["text_cfg"]
    foreign = [vision.get("timm_model_name"), vision.get("attentional_pool"), text.get("hf_model_name")]
    foreign += [text.get("hf_tokenizer_name"), config.get("multimodal_cfg")]
    if any(foreign) or not isinstance(vision.get("layers"), int):
        raise ConfigError(f"“{name}” is not one of open_clip's plain vision transformers, such as ViT-B-32.")
    return config


def construct(name: str, config: dict[str, Any], seed: int, quick_gelu: bool = False) -> Any:
    """An architecture with random weights. The global random state stays as it is."""
    with torch.random.fork_rng(devices=[]), _quiet():
        torch.manual_seed(seed)
        if name == SMALL:
            model = open_clip.CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"])
            model.visual.conv1 = stem(config["vision_cfg"]["width"])
            return model
        return open_clip.create_model(name, load_weights=False, force_quick_gelu=quick_gelu)


def construct_compact(rows: int, seed: int, patch_dropout: float) -> Any:
    """The small architecture with a vocabulary of `rows` tokens only, for training: its optimiser touches no others.

    Tokens must be numbered in the order of their ids, so that the end-of-text token stays the highest.
    """
    config = config_of(SMALL)
    config["text_cfg"]["vocab_size"] = rows
    config["vision_cfg"]["patch_dropout"] = patch_dropout
    model = construct(SMALL, config, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model.visual.conv1 = stem(config["vision_cfg"]["width"], norms=True)
    return model


def set_patch_dropout(model: Any, share: float) -> None:
    """The share of the patches that a model of `construct_compact` leaves out of each picture in training mode."""
    model.visual.patch_dropout.prob = share


def image_blocks(name: str) -> int:
    """How many transformer blocks the image tower of an architecture has. Raises ConfigError."""
    return int(config_of(name)["vision_cfg"]["layers"])


def tokenizer_of(name: str, context_length: int) -> Any:
    """open_clip's tokenizer of an architecture."""
    if name == SMALL:
        return open_clip.SimpleTokenizer(context_length=context_length)
    return open_clip.get_tokenizer(name)


def tokenize(texts: Sequence[str]) -> Tensor:
    """Token ids (n, context) of texts as the small CLIP reads them, int64."""
    return tokenizer_of(SMALL, config_of(SMALL)["text_cfg"]["context_length"])(list(texts))


def uses_quick_gelu(model: nn.Module) -> bool:
    """Whether a model was made with `quick_gelu`."""
    return any(isinstance(module, QuickGELU) for module in model.modules())


def tags_of(name: str) -> list[str]:
    """The pretrained tags that open_clip has for an architecture."""
    return list(open_clip.list_pretrained_tags_by_model(name))


def tag_of(name: str, checkpoint: str) -> dict[str, Any]:
    """What open_clip knows of a pretrained tag; empty when it is none of this architecture's."""
    return dict(open_clip.get_pretrained_cfg(name, checkpoint)) if checkpoint else {}


def file_of(tag: Mapping[str, Any]) -> Path | None:
    """The file of a pretrained tag where open_clip looks for it, if it has been fetched before."""
    if not tag.get("hf_hub"):
        file = Path("~/.cache/clip").expanduser() / Path(tag.get("url", "")).name
        return file if file.is_file() else None
    repository, _, name = tag["hf_hub"].rpartition("/")
    names = [name] if name else [HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME]
    found = (try_to_load_from_cache(repository, one) for one in names)
    return next((Path(file) for file in found if isinstance(file, str)), None)


def bytes_of(name: str) -> int:
    """What the weights of an architecture take in float32. Raises ConfigError."""
    config_of(name)  # refuses what is none
    with torch.device("meta"), _quiet():
        model: nn.Module = open_clip.create_model(name, load_weights=False, device="meta")
    return sum(4 * parameter.numel() for parameter in model.parameters())


def fetch(tag: Mapping[str, Any]) -> None:
    """Fetch the file of a pretrained tag over the internet. Raises whatever the client and the connection raise."""
    with _quiet():
        open_clip.download_pretrained(dict(tag))


def load_weights(model: nn.Module, file: Path) -> None:
    """Fill a model from a file that `check_is_data` has passed. Raises one of `DAMAGED` when they do not fit."""
    open_clip.load_checkpoint(model, str(file), weights_only=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the log lines of open_clip and the hub's client: what matters of them comes as a ConfigError."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
