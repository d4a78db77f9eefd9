"""The rival of inversion: a conditional generator, trained on the frozen network alone, that makes all the images.

As in ABD (Smith et al. 2021) and R-DFCIL (Gao et al. 2022): images of random noise and a class are to be taken for
that class, to give the normalisation layers the statistics that they know, and to be smooth.
"""

import math
import time
from collections.abc import Callable, Generator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cl_core.backbones import Backbone
from cl_core.backbones.chain import frozen
from cl_core.backbones.folding import folded
from cl_core.config import InvertConfig
from cl_core.divergence import DivergenceWatch
from cl_core.events import Event
from cl_core.images import Normaliser
from cl_core.inversion.batches import Inversion
from cl_core.inversion.film import Camera
from cl_core.inversion.full_model import step_size
from cl_core.inversion.knowledge import Knowledge
from cl_core.inversion.objectives import KnownStatistics, total_variation
from cl_core.inversion.work import Work
from cl_core.statistics import watching

NOISE, WIDTH = 64, 32
BATCH = 128  # images in a step of training


class ImageGenerator(nn.Module):
    """(noise (n, NOISE), one-hot classes (n, classes)) → unit images (n, c, h, w), from a quarter of the side up."""

    def __init__(self, classes: int, shape: tuple[int, ...], draws: torch.Generator) -> None:
        super().__init__()
        c, h, w = shape
        self.start = (2 * WIDTH, math.ceil(h / 4), math.ceil(w / 4))
        made = nn.utils.skip_init  # drawn below, from `draws` alone
        self.seed = made(nn.Linear, NOISE + classes, math.prod(self.start))
        self.body = nn.Sequential(
            nn.BatchNorm2d(2 * WIDTH),
            nn.Upsample((math.ceil(h / 2), math.ceil(w / 2))),
            made(nn.Conv2d, 2 * WIDTH, WIDTH, 3, padding=1),
            nn.BatchNorm2d(WIDTH),
            nn.LeakyReLU(0.2),
            nn.Upsample((h, w)),
            made(nn.Conv2d, WIDTH, WIDTH // 2, 3, padding=1),
            nn.BatchNorm2d(WIDTH // 2),
            nn.LeakyReLU(0.2),
            made(nn.Conv2d, WIDTH // 2, c, 3, padding=1),
            nn.Sigmoid(),
        )
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Linear | nn.Conv2d):
                    fan_in = module.weight[0].numel()
                    module.weight.normal_(0, math.sqrt(2 / fan_in), generator=draws)
                    assert module.bias is not None
                    module.bias.zero_()

    def forward(self, noise: Tensor, classes: Tensor) -> Tensor:
        images: Tensor = self.body(self.seed(torch.cat([noise, classes], 1)).unflatten(1, self.start))
        return images


def invert_with_generator(
    backbone: Backbone,
    knowledge: Knowledge,
    targets: Tensor,
    labels: Tensor,
    config: InvertConfig,
    normalise: Normaliser,
    draws: torch.Generator,
) -> Generator[Event, None, Inversion]:
    """Train a generator on `backbone` for full_iterations steps of Adam, and make an image for each of `labels` (n,).

    Minimises label_weight · cross-entropy + α · Σ KL (BatchNorms) + input_alpha · Σ KL (layers' inputs) + tv · TV over
    the generator's weights. targets (n, d) are the features that others would aim at; here nothing does. The backbone
    is as before in the end. Raises Diverged.
    """
    began, device = time.perf_counter(), targets.device
    classes, curves = torch.tensor(knowledge.classes, device=device), dict[str, list[float]]()
    network = ImageGenerator(len(classes), backbone.input_shape, draws).to(device)
    adam = torch.optim.Adam(network.parameters(), betas=(0.9, config.beta2))
    watch = DivergenceWatch("the generator", "Step size, refinement")
    places = torch.arange(len(classes), device=device).repeat_interleave(max(1, BATCH // len(classes)))
    own, noise = torch.searchsorted(classes, labels), torch.randn(len(labels), NOISE, generator=draws).to(device)

    def look(rows: Tensor) -> Tensor:
        """The images (n, c, h, w) for these rows, as they are now."""
        network.eval()
        with torch.no_grad():
            parts = zip(noise[rows].split(BATCH), own[rows].split(BATCH), strict=True)
            return torch.cat([network(z, F.one_hot(c, len(classes)).float()) for z, c in parts])

    work = Work([0], ("",), config.full_iterations, labels, config.images_per_class)
    everything = torch.arange(len(labels), device=device)
    camera = Camera(len(classes), config.images_per_class, config.full_iterations, lambda index, x, _: x, normalise)
    camera.stop(normalise(look(everything)), 0, "", 0, 0.0, None)
    with frozen(backbone):
        losses_of = _objective(folded(backbone), knowledge, classes[places], config)
        for iteration in range(config.full_iterations):
            network.train()
            fresh = torch.randn(len(places), NOISE, generator=draws).to(device)
            terms = losses_of(normalise(network(fresh, F.one_hot(places, len(classes)).float())))
            for group in adam.param_groups:
                group["lr"] = config.full_lr * step_size(config, iteration)
            adam.zero_grad()
            torch.stack(list(terms.values())).sum().backward()
            adam.step()
            losses = {name: float(term.detach()) for name, term in terms.items()}
            losses["total"] = watch.check(sum(losses.values()))
            for name, value in losses.items():
                curves.setdefault(name, []).append(value)
            yield work.refine_event(iteration + 1, losses, look)
            if camera.wants(iteration + 1):
                camera.refined(look(everything), iteration + 1, work.done, losses["total"])
    images = look(everything)
    camera.ended(images, work.done, curves["total"][-1] if curves else None)
    refine = {"iterations": config.full_iterations, "curve": curves, "seconds": time.perf_counter() - began}
    return Inversion(images, labels, targets, [], refine, camera.film)


def _objective(
    backbone: Backbone, knowledge: Knowledge, wanted: Tensor, config: InvertConfig
) -> Callable[[Tensor], dict[str, Tensor]]:
    """The terms of the loss, weighted, of normalised images (n, c, h, w) that shall be of the classes `wanted` (n,)."""
    norms, layers = backbone.norms, list(backbone.layers) if config.input_alpha else []
    known = KnownStatistics(norms, knowledge.norms, knowledge.inputs if layers else ())
    weights = {"normalisation": config.alpha, "input statistics": config.input_alpha}

    def terms(normal: Tensor) -> dict[str, Tensor]:
        with watching([*norms, *layers]) as seen:
            logits = backbone.head(backbone.features(normal))
        found = {"label": config.label_weight * F.cross_entropy(logits, wanted)}
        errors = known.errors(seen[: len(norms)], seen[len(norms) :])
        found |= {name: weights[name] * error for name, error in errors.items()}
        return found | ({"smoothness": config.tv * total_variation(normal)} if config.tv else {})

    return terms
