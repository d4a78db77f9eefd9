"""The small CLIP's training steps, in pieces of any length (METHOD.md §8; Radford et al. 2021).

What a step draws depends on the seed and the step's number alone, so that pieces give what one run gives.
"""

import functools
import math
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from cl_core.backbones.architectures import construct_compact, set_patch_dropout
from cl_core.backbones.small_clip import normalise, save_small
from cl_core.backbones.stem import fold
from cl_core.config import ConfigError
from cl_core.pretraining.material import Batch, Material, draw
from cl_core.pretraining.pictures import change
from cl_core.seeding import generator

RATE, FINAL_RATE = 2e-3, 0.01  # Adam's, and what the cosine leaves of it
WARM_UP = 100  # steps
DECAY = 0.3  # of matrices only
AVERAGE = 0.998  # of the weights that are saved
PATCH_DROPOUT, WHOLE_FROM = 0.25, 0.85  # the last steps see whole pictures
SCALE_START, SCALE_MOST = 12.0, 40.0
NORM_BATCHES = 20


class Pretraining:
    """A model, its learned concept prototypes (dropped afterwards), the optimiser and the average of the weights.

    steps: the whole training, which the learning rate's cosine is laid over; step: those taken.
    """

    def __init__(self, material: Material, steps: int, seed: int) -> None:
        self.material, self.steps, self.seed, self.step = material, steps, seed, 0
        self.model = construct_compact(len(material.token_ids), seed, PATCH_DROPOUT).train()
        self.model.logit_scale.data.fill_(math.log(SCALE_START))
        _attend_in_float32(self.model)
        width = self.model.text_projection.shape[1]
        start = torch.randn(material.concepts, width, generator=generator(seed, "prototypes"))
        self.prototypes = nn.Parameter(start / math.sqrt(width))
        self.parameters = {**dict(self.model.named_parameters()), "prototypes": self.prototypes}
        self.averages = {name: p.detach().clone() for name, p in self.parameters.items()}
        matrices = [p for p in self.parameters.values() if p.ndim > 1]
        others = [p for p in self.parameters.values() if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98))

    @property
    def done(self) -> bool:
        return self.step >= self.steps

    def advance(self) -> dict[str, float]:
        """Take one step; returns the losses by name."""
        draws = generator(self.seed, "step", self.step)
        batch = draw(self.material, draws)
        images = change(batch.images, draws)
        set_patch_dropout(self.model, PATCH_DROPOUT if self.step < WHOLE_FROM * self.steps else 0.0)
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        with torch.random.fork_rng(devices=[]), torch.autocast("cpu", torch.bfloat16):
            torch.manual_seed(int(torch.randint(2**31, (), generator=draws)))  # open_clip's patch dropout
            seen = self.model.encode_image(normalise(images))
            said = self.model.encode_text(torch.cat([batch.captions, batch.group_captions]))
        losses = self._losses(batch, F.normalize(seen.float(), dim=-1), F.normalize(said.float(), dim=-1))
        total = torch.stack(list(losses.values())).sum()
        self.optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        self.optimiser.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=math.log(SCALE_MOST))
            keep = min(AVERAGE, (1 + self.step) / (10 + self.step))  # the first steps count less
            for name, p in self.parameters.items():
                self.averages[name].lerp_(p, 1 - keep)
        self.step += 1
        return {name: float(loss.detach()) for name, loss in {**losses, "total": total}.items()}

    def _rate(self) -> float:
        if self.step < WARM_UP:
            return RATE * (self.step + 1) / WARM_UP
        share = (self.step - WARM_UP) / max(1, self.steps - WARM_UP)
        return RATE * (FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * min(1.0, share))) / 2)

    def _losses(self, batch: Batch, seen: Tensor, said: Tensor) -> dict[str, Tensor]:
        """Pictures against concept captions both ways, against group captions, and both against the prototypes.

        seen (n, d), said (captions + group captions, d): normalised features.
        """
        texts, groups = said.split([len(batch.captions), len(batch.group_captions)])
        prototypes = F.normalize(self.prototypes, dim=-1)
        scale = self.model.logit_scale.exp()
        logits = scale * seen @ texts.T  # (n, m)
        own = F.one_hot(batch.concept, len(batch.concepts)).float()  # (n, m)
        back = logits.T.log_softmax(1)  # (m, n): which pictures a caption belongs to
        whole = batch.concepts[batch.concept]
        return {
            "picture to caption": F.cross_entropy(logits, batch.concept) / 2,
            "caption to pictures": -((back * own.T).sum(1) / own.sum(0)).mean() / 2,
            "picture to group": F.cross_entropy(scale * seen @ groups.T, self.material.group_of[whole]),
            "picture to prototype": F.cross_entropy(scale * seen @ prototypes.T, whole) / 2,
            "caption to prototype": F.cross_entropy(scale * texts @ prototypes.T, batch.concepts) / 4,
        }

    def save(self, file: Path) -> None:
        """Write everything that `resume` needs."""
        tensors = {f"parameter/{name}": p.detach() for name, p in self.parameters.items()}
        tensors |= {f"average/{name}": average for name, average in self.averages.items()}
        for name, p in self.parameters.items():
            for key, value in self.optimiser.state[p].items():
                tensors[f"adam/{name}/{key}"] = torch.as_tensor(value)
        about = {"step": str(self.step), "steps": str(self.steps), "seed": str(self.seed)}
        part = file.with_suffix(".part")
        save_file(tensors, part, metadata=about)
        part.replace(file)

    def resume(self, file: Path) -> None:
        """Go on from a file that `save` has written, also toward another number of steps in all.

        Raises ConfigError when it is of another training.
        """
        try:
            with safe_open(file, "pt") as content:
                about = content.metadata() or {}
                tensors = {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118 – no mapping
        except (OSError, SafetensorError) as error:
            raise ConfigError(f"The training file {file} cannot be read; remove it to begin anew.") from error
        if about.get("seed") != str(self.seed):
            raise ConfigError(f"{file} is of a training with seed {about.get('seed')}; name that one, or another file.")
        try:
            with torch.no_grad():
                for name, p in self.parameters.items():
                    p.copy_(tensors[f"parameter/{name}"])
                    self.averages[name].copy_(tensors[f"average/{name}"])
                    prefix = f"adam/{name}/"
                    own = {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
                    self.optimiser.state[p] = dict(own)
        except (KeyError, RuntimeError) as error:
            raise ConfigError(f"{file} is of a training on other data; remove it to begin anew.") from error
        self.step = int(about["step"])

    def export(self, file: Path) -> None:
        """Write the averaged weights as the program ships them: BatchNorms measured for them, and folded."""
        compact = construct_compact(len(self.material.token_ids), self.seed, PATCH_DROPOUT)
        weights = {name: average for name, average in self.averages.items() if name != "prototypes"}
        compact.load_state_dict(weights, strict=False)  # all but the BatchNorms' measurements
        norms = [m for m in compact.modules() if isinstance(m, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain average of the batches
        draws = generator(self.seed, "norms")
        with torch.no_grad():
            for _ in range(NORM_BATCHES):
                compact.train().visual.conv1(normalise(change(draw(self.material, draws).images, draws)))
        fold(compact)
        about = {"step": str(self.step), "steps": str(self.steps), "seed": str(self.seed)}
        save_small(compact, self.material.token_ids, file, about)


def _attend_in_float32(model: Any) -> None:
    """Self-attention with products in float32, as their backward is slow in bfloat16; projections stay in bfloat16."""
    for module in model.modules():
        if isinstance(module, nn.MultiheadAttention):
            setattr(module, "forward", functools.partial(_attend, module))  # noqa: B010 – mypy


def _attend(module: nn.MultiheadAttention, x: Tensor, *_: Tensor, attn_mask: Tensor | None, **__: object) -> tuple:
    """What module(x, x, x) gives: (n, t, w) → (n, t, w), and no weights."""
    n, t, width = x.shape
    packed = F.linear(x, module.in_proj_weight, module.in_proj_bias).float()
    q, k, v = packed.view(n, t, 3, module.num_heads, -1).permute(2, 0, 3, 1, 4)  # each (n, heads, t, w / heads)
    with torch.autocast("cpu", enabled=False):
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=None if attn_mask is None else attn_mask.float())
    return F.linear(mixed.transpose(1, 2).reshape(n, t, width), module.out_proj.weight, module.out_proj.bias), None
