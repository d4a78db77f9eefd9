"""CLIP (Radford et al. 2021) through open_clip (METHOD.md §8). Its image tower as a chain: clip_chain.py.

The only file that knows open_clip. The small CLIP comes with the program: an architecture in open_clip's own JSON form
and weights that hold only the rows of the token embedding that occurred in its training. Any vision transformer of
open_clip goes through the same code, with random weights, a pretrained tag or a checkpoint on this computer.

Letters: n images or prompts, d feature size.
"""

import hashlib
import json
import logging
import pickle
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.transformer import QuickGELU
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from cl_core.config import ConfigError
from cl_core.datasets import ASSETS

SMALL = "small-clip"  # the one that comes with the program
SMALL_ARCHITECTURE = ASSETS / "clip" / f"{SMALL}.json"
SMALL_WEIGHTS = ASSETS / "clip" / f"{SMALL}.safetensors"
RANDOM = "random"  # a checkpoint that stands for random weights
SMALL_MEAN, SMALL_STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
TOKENS = "token_ids"  # the tensor that says which rows of the vocabulary the small weights hold
ADAPTER = ".mlp.adapter."  # in the names of the parameters of adapters
MEAN, STD, QUICK = "image_mean", "image_std", "quick_gelu"  # in a fixed state, beside the weights
DAMAGED = (  # what readers raise on bytes that are no weights
    OSError, SafetensorError, pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError, KeyError,
    IndexError, TypeError, AttributeError, OverflowError, MemoryError, AssertionError, ImportError, struct.error,
)  # fmt: skip
_EMBEDDING = "token_embedding.weight"
_REBUILD = "run `python -m cl_core pretrain-clip` to make it again"


class Clip(nn.Module):
    """A CLIP model with its tokenizer and the normalisation of its images.

    model: open_clip's; read_tokens: the token ids that it was trained on, None when that is the whole vocabulary.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        model: Any,
        name: str,
        mean: Sequence[float],
        std: Sequence[float],
        read_tokens: frozenset[int] | None = None,
    ) -> None:
        super().__init__()
        self.model: Any = model
        self.name = name
        self.read_tokens = read_tokens
        self.tokenizer = tokenizer_of(name, model.context_length)
        self.draws_on_white = name == SMALL  # it has met nothing but dark drawings on white
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    @property
    def scale(self) -> Tensor:
        """What the cosines are multiplied by to become logits."""
        return self.model.logit_scale.exp()

    def encode_image(self, images: Tensor) -> Tensor:
        """Normalised features (n, d) of images (n, 3, h, w) in [0, 1]."""
        return F.normalize(self.model.encode_image((images - self.mean) / self.std), dim=-1)

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """Normalised features (n, d) of prompts. Raises ConfigError when a word of one was never read in training."""
        self.check(prompts)
        tokens = self.tokenizer(list(prompts)).to(self.mean.device)
        return F.normalize(self.model.encode_text(tokens), dim=-1)

    def prototypes(self, prompts: Sequence[Sequence[str]]) -> Tensor:
        """Text prototypes (classes, d): of each class, the normalised mean of its prompts' features. ConfigError."""
        return F.normalize(torch.stack([self.encode_text(of).mean(0) for of in prompts]), dim=-1)

    def fixed_state(self) -> dict[str, Tensor]:
        """Everything but the adapters, in float16 where that loses nothing, with only the rows of tokens ever read."""
        state = {name: p.detach() for name, p in self.model.state_dict().items() if ADAPTER not in name}
        if self.read_tokens is not None:
            ids = torch.tensor(sorted(self.read_tokens))
            state |= {_EMBEDDING: state[_EMBEDDING][ids.to(self.mean.device)], TOKENS: ids.to(torch.int32)}
        quick = any(isinstance(module, QuickGELU) for module in self.model.modules())
        about = {MEAN: self.mean.flatten(), STD: self.std.flatten(), QUICK: torch.tensor(quick)}
        halves = {name: tensor.half() for name, tensor in state.items() if tensor.is_floating_point()}
        exact = {name: half for name, half in halves.items() if torch.equal(half.float(), state[name].float())}
        return state | exact | about

    def check(self, prompts: Sequence[str]) -> None:
        """Raises ConfigError naming the words that this CLIP has never read."""
        words = sorted({word for prompt in prompts for word in self.unread_words(prompt)})
        if words:
            said = ", ".join(f"“{word}”" for word in words)
            raise ConfigError(f"The small CLIP has never read {said}; say it in other, simpler words.")

    def unread_words(self, prompt: str) -> list[str]:
        """The words of a prompt with a token that did not occur in training, in their order."""
        if self.read_tokens is None:
            return []
        return [word for word in prompt.split() if not self.read_tokens.issuperset(self.tokenizer.encode(word))]


def build(name: str = SMALL, checkpoint: str = "", seed: int | None = None) -> Clip:
    """The CLIP of that name, in evaluation mode.

    checkpoint: "" the weights that come with the program (SMALL alone has such); else a file (.safetensors, or one that
    torch.load reads with weights_only) or a pretrained tag of open_clip, which is fetched over the internet. seed: take
    random weights from it instead. Raises ConfigError when the name, the file or the architecture in it is another.
    """
    if name == SMALL and seed is None:
        return load_small(Path(checkpoint).expanduser() if checkpoint else SMALL_WEIGHTS)
    config = _config_of(name)
    tag = open_clip.get_pretrained_cfg(name, checkpoint) if checkpoint else {}
    model = _construct(name, config, 0 if seed is None else seed, quick_gelu=tag.get("quick_gelu", False))
    mean, std = (SMALL_MEAN, SMALL_STD) if name == SMALL else (model.visual.image_mean, model.visual.image_std)
    if seed is None:
        _fill(model, name, checkpoint, tag)
        mean, std = tag.get("mean", mean), tag.get("std", std)
    return Clip(model, name, mean or OPENAI_DATASET_MEAN, std or OPENAI_DATASET_STD).eval()


def restore(name: str, fixed: Mapping[str, np.ndarray]) -> Clip:
    """The CLIP of that name with the weights that `fixed_state` has given. Raises ConfigError."""
    try:
        tensors = {key: torch.tensor(array) for key, array in fixed.items()}
        mean, std, quick = (tensors.pop(key) for key in (MEAN, STD, QUICK))
        model = _construct(name, _config_of(name), 0, quick_gelu=bool(quick))
        read = tensors.pop(TOKENS).long() if TOKENS in tensors else None
        if read is not None:
            tensors[_EMBEDDING] = _expanded(model, read, tensors[_EMBEDDING])
        model.load_state_dict(tensors)
        return Clip(model, name, mean.tolist(), std.tolist(), None if read is None else frozenset(read.tolist())).eval()
    except (KeyError, RuntimeError, IndexError, TypeError) as error:
        raise ConfigError(f"The weights kept with this step are of another architecture than {name}.") from error


def fingerprint(name: str, checkpoint: str) -> str:
    """What identifies weights: a file's checksum, or the name of what is not on this computer or has no file."""
    file = SMALL_WEIGHTS if name == SMALL and not checkpoint else Path(checkpoint).expanduser()
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else checkpoint


def image_blocks(name: str) -> int:
    """How many transformer blocks the image tower of an architecture has. Raises ConfigError."""
    return int(_config_of(name)["vision_cfg"]["layers"])


def _expanded(model: Any, ids: Tensor, rows: Tensor) -> Tensor:
    """A whole token embedding from the rows of the tokens that were read; zeros for the others. RuntimeError."""
    if rows.shape[1:] != model.token_embedding.weight.shape[1:]:
        raise RuntimeError("The rows of the embedding have another width.")  # before it is laid out for all the words
    return torch.zeros(model.vocab_size, rows.shape[1]).index_copy(0, ids, rows.float())


def load_small(file: Path = SMALL_WEIGHTS) -> Clip:
    """The small CLIP in a file that `save_small` has written. Raises ConfigError."""
    try:
        if not file.is_file():
            raise FileNotFoundError(file)
        with safe_open(file, "pt") as content:
            tensors = {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118 – no mapping
    except DAMAGED as error:
        raise ConfigError(f"The weights file {file} cannot be read; {_REBUILD}.") from error
    try:
        model = _construct(SMALL, _config_of(SMALL), 0)
        ids = tensors.pop(TOKENS).long()
        tensors[_EMBEDDING] = _expanded(model, ids, tensors[_EMBEDDING])
        model.load_state_dict({key: tensor.float() for key, tensor in tensors.items()})
        if not all(tensor.isfinite().all() for tensor in model.state_dict().values()):
            raise ValueError("Some of its values are no numbers.")
    except DAMAGED as error:
        raise ConfigError(f"The weights file {file} is not one of the small CLIP; {_REBUILD}.") from error
    return Clip(model, SMALL, SMALL_MEAN, SMALL_STD, frozenset(ids.tolist())).eval()


def save_small(compact: nn.Module, token_ids: Tensor, file: Path, about: dict[str, str]) -> None:
    """Write the folded weights of `construct_compact` in float16 with the rows' token ids (rows,); about: metadata."""
    tensors = {key: tensor.half().contiguous() for key, tensor in compact.state_dict().items()}
    tensors[TOKENS] = token_ids.to(torch.int32)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file, metadata=about)


def construct_compact(rows: int, seed: int, patch_dropout: float) -> Any:
    """The small architecture with a vocabulary of `rows` tokens only, for training: its optimiser touches no others.

    Tokens must be numbered in the order of their ids, so that the end-of-text token stays the highest.
    """
    config = _config_of(SMALL)
    config["text_cfg"]["vocab_size"] = rows
    config["vision_cfg"]["patch_dropout"] = patch_dropout
    model = _construct(SMALL, config, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model.visual.conv1 = _stem(config["vision_cfg"]["width"], norms=True)
    return model


def fold(model: Any) -> None:
    """Fold the BatchNorms of a model of `construct_compact` into its convolutions, exactly, as it is stored."""
    stem = model.visual.conv1
    for i, layer in enumerate(stem):
        if isinstance(layer, nn.BatchNorm2d):
            stem[i - 1] = fuse_conv_bn_eval(stem[i - 1].eval(), layer.eval())
            stem[i] = nn.Identity()


def _stem(width: int, norms: bool = False) -> nn.Sequential:
    """Three strided convolutions in place of the small CLIP's patch embedding: (n, 3, h, w) → (n, width, h/8, w/8).

    Trained from few images, it learns what patches have in common much faster than one linear map of 8 × 8 pixels
    (Xiao et al. 2021). norms: with BatchNorm, for training; stored, they are folded into the convolutions.
    """
    layers: list[nn.Module] = []
    for channels, more in ((3, width // 4), (width // 4, width // 2), (width // 2, width)):
        norm = nn.BatchNorm2d(more) if norms else nn.Identity()
        layers += [nn.Conv2d(channels, more, 3, 2, 1, bias=not norms), norm, nn.GELU()]
    return nn.Sequential(*layers[:-1])


def normalise(images: Tensor) -> Tensor:
    """Images (n, 3, h, w) in [0, 1] as the small CLIP's tower takes them, in its training as later."""
    mean, std = (torch.tensor(of).view(3, 1, 1) for of in (SMALL_MEAN, SMALL_STD))
    return (images - mean) / std


def set_patch_dropout(model: Any, share: float) -> None:
    """The share of the patches that a model of `construct_compact` leaves out of each picture in training mode."""
    model.visual.patch_dropout.prob = share


def tokenizer_of(name: str, context_length: int) -> Any:
    """open_clip's tokenizer of an architecture."""
    if name == SMALL:
        return open_clip.SimpleTokenizer(context_length=context_length)
    return open_clip.get_tokenizer(name)


def tokenize(texts: Sequence[str]) -> Tensor:
    """Token ids (n, context) of texts as the small CLIP reads them, int64."""
    return tokenizer_of(SMALL, _config_of(SMALL)["text_cfg"]["context_length"])(list(texts))


def _config_of(name: str) -> dict[str, Any]:
    """An architecture in open_clip's form. Raises ConfigError for an unknown name, or an image tower that is no chain.

    A chain needs open_clip's own transformer with one pooled token; a tokenizer must not have to be fetched.
    """
    if name == SMALL:
        return json.loads(SMALL_ARCHITECTURE.read_text(encoding="utf-8"))
    config = open_clip.get_model_config(name)
    if config is None:
        raise ConfigError(f"There is no CLIP “{name}”; known are {SMALL} and open_clip's, such as ViT-B-32.")
    vision, text = config["vision_cfg"], config["text_cfg"]
    foreign = [vision.get("timm_model_name"), vision.get("attentional_pool"), text.get("hf_model_name")]
    foreign += [text.get("hf_tokenizer_name"), config.get("multimodal_cfg")]
    if any(foreign) or not isinstance(vision.get("layers"), int):
        raise ConfigError(f"“{name}” is not one of open_clip's plain vision transformers, such as ViT-B-32.")
    return config


def _construct(name: str, config: dict[str, Any], seed: int, quick_gelu: bool = False) -> Any:
    """An architecture with random weights. The global random state stays as it is."""
    with torch.random.fork_rng(devices=[]), _quiet():
        torch.manual_seed(seed)
        if name == SMALL:
            model = open_clip.CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"])
            model.visual.conv1 = _stem(config["vision_cfg"]["width"])
            return model
        return open_clip.create_model(name, load_weights=False, force_quick_gelu=quick_gelu)


def _fill(model: nn.Module, name: str, checkpoint: str, tag: Mapping[str, Any]) -> None:
    """Load a checkpoint file, or the weights of a pretrained tag. Raises ConfigError."""
    if tag:
        try:
            with _quiet():
                file = Path(open_clip.download_pretrained(dict(tag)))
        except Exception as error:  # whatever the hub's client and the connection raise
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise ConfigError(f"The weights {checkpoint} of {name} could not be fetched ({reason}).") from error
    else:
        file = Path(checkpoint).expanduser()
        if not checkpoint or not file.is_file():
            tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
            if not checkpoint:
                raise ConfigError(f"{name} needs weights: a file on this computer, or one of its tags ({tags}).")
            raise ConfigError(f"“{checkpoint}” is no file on this computer, and no tag that {name} has ({tags}).")
    _check_is_data(file)
    try:
        open_clip.load_checkpoint(model, str(file), weights_only=True)
    except DAMAGED as error:
        raise ConfigError(f"The checkpoint {file} is of another architecture than {name}.") from error


def _check_is_data(file: Path) -> None:
    """Raises ConfigError when a checkpoint file is damaged, or would run code when it is read."""
    try:
        if file.suffix == ".safetensors":
            with safe_open(file, "pt"):
                return
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as parts:
                if sum(part.file_size for part in parts.infolist()) > 2 * file.stat().st_size:
                    raise ValueError("It is packed tighter than weights can be.")
        content = torch.load(file, map_location="meta", weights_only=True)
    except DAMAGED as error:
        raise ConfigError(
            f"The checkpoint {file} cannot be read; it must be .safetensors, or hold nothing but weights."
        ) from error
    if not isinstance(content, dict):
        raise ConfigError(f"The checkpoint {file} holds no weights by name.")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the log lines of open_clip and the hub's client: what matters of them comes as a ConfigError."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
