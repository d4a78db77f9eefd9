"""CLIP (Radford et al. 2021; METHOD.md §8): a model of open_clip with its tokenizer and what it knows of pictures.

Its weights come from clip_weights.py; its image tower as a chain: clip_chain.py.

Letters: n images or prompts, d feature size.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cl_core.backbones.architectures import SMALL, tokenizer_of, uses_quick_gelu
from cl_core.config import ConfigError

ADAPTER = ".mlp.adapter."  # in the names of the parameters of adapters
TOKENS = "token_ids"  # the tensor that says which rows of the vocabulary a state holds
EMBEDDING = "token_embedding.weight"
MEAN, STD, QUICK = "image_mean", "image_std", "quick_gelu"  # in a fixed state, beside the weights


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
            state |= {EMBEDDING: state[EMBEDDING][ids.to(self.mean.device)], TOKENS: ids.to(torch.int32)}
        quick = torch.tensor(uses_quick_gelu(self.model))
        about = {MEAN: self.mean.flatten(), STD: self.std.flatten(), QUICK: quick}
        halves = {name: tensor.half() for name, tensor in state.items() if tensor.is_floating_point()}
        exact = {name: half for name, half in halves.items() if torch.equal(half.float(), state[name].float())}
        return state | exact | about

    def check(self, prompts: Sequence[str]) -> None:
        """Raises ConfigError naming the words that this CLIP has never read."""
        words = sorted({word for prompt in prompts for word in self.unread_words(prompt)})
        if words:
            said = ", ".join(f"“{word}”" for word in words)
            raise ConfigError(f"The small CLIP has never read {said}; say it in other, simpler words.")

    def readable(self, prompts: Sequence[Sequence[str]], instead: Sequence[Sequence[Sequence[str]]]) -> list[list[str]]:
        """The prompts of each class. Where it has never read a word of them, what it can read of the first of the lists

        in `instead` (of each class) that it can read anything of; the prompts as they are if there is none.
        """
        said = []
        for own, others in zip(prompts, instead, strict=True):
            unread = any(self.unread_words(prompt) for prompt in own)
            known = [[prompt for prompt in of if not self.unread_words(prompt)] for of in others if unread]
            said.append(next((of for of in known if of), [*own]))
        return said

    def unread_words(self, prompt: str) -> list[str]:
        """The words of a prompt with a token that did not occur in training, in their order."""
        if self.read_tokens is None:
            return []
        return [word for word in prompt.split() if not self.read_tokens.issuperset(self.tokenizer.encode(word))]


def expanded(model: Any, ids: Tensor, rows: Tensor) -> Tensor:
    """A whole token embedding from the rows of the tokens that were read; zeros for the others. RuntimeError."""
    if rows.shape[1:] != model.token_embedding.weight.shape[1:]:
        raise RuntimeError("The rows of the embedding have another width.")  # before it is laid out for all the words
    return torch.zeros(model.vocab_size, rows.shape[1]).index_copy(0, ids, rows.float())
