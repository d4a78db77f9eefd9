"""How long whole experiments would take on this machine, from a few measured steps, and whether to go on."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from cl_core.config import Config, ConfigError
from cl_core.presets import FOR_A_GPU
from cl_core.stream import TaskStream

MEASURED = 3  # steps, after one that is not counted
HEAD, STAGE = 1 / 3, 2 / 3  # of the work of a step, where only the head or the last stage is trained


def add_option(parser: argparse.ArgumentParser) -> None:
    """--yes, for commands that ask."""
    parser.add_argument("--yes", action="store_true", help="do not ask before what would take very long here")


def agreed(args: argparse.Namespace, configs: Sequence[Config], at_a_time: int = 1) -> bool:
    """Whether to start runs of one network: on a CPU, those made for a GPU say how long they would take, and ask.

    Raises ConfigError where there is nobody to ask, and DataError when the data is not there.
    """
    if args.preset not in FOR_A_GPU or args.yes:
        return True
    from cl_core.state import resolve_device  # needs torch

    first = configs[0]
    stream = TaskStream(first.stream, first.machine.seed)
    if resolve_device(first.machine.device).type != "cpu":
        return True
    pace = _seconds_an_image(first, stream)
    needed = sum(seconds(config, stream, pace) for config in configs) / at_a_time
    told = f"{args.preset} is made for a GPU; on this CPU it would take about {in_words(needed)}"
    if not sys.stdin.isatty():
        raise ConfigError(f"{told}. To start it all the same, add --yes.")
    if input(f"{told}. Start it? [y/N] ").strip().lower() in ("y", "yes"):
        return True
    print("Nothing was started.")
    return False


def in_words(time_needed: float) -> str:
    """Seconds as minutes, hours or days."""
    for unit, length in (("days", 86400), ("hours", 3600)):
        if time_needed > 2 * length:
            return f"{time_needed / length:.0f} {unit}"
    return f"{max(1, round(time_needed / 60))} min"


def seconds(config: Config, stream: TaskStream, pace: tuple[float, float] | None = None) -> float:
    """Seconds of learning and inverting the whole stream on the CPU; measuring is not counted.

    pace: seconds of a pass of one image, in learning and in inversion; without it, it is measured.
    """
    from cl_core import strategies

    learn, invert = config.learn, config.invert
    learning, inverting = pace or _seconds_an_image(config, stream)
    strategy, total = strategies.get(learn.strategy), 0.0
    layers = sum(invert.layer_iterations) / len(invert.layer_iterations) if invert.layer_iterations else None
    passes = (invert.iterations_per_layer if layers is None else layers) + invert.full_iterations
    both = (2 if strategy.memory in ("synthetic", "real") else 1) * (1 + strategy.teaches / 3)  # the teacher: forward
    epochs = learn.head_epochs * HEAD + learn.stage_epochs * STAGE + learn.epochs
    for t in range(len(stream)):
        real = len(stream.rows("train", (t,)))
        total += learning * real * (epochs * both if t else learn.epochs_first)
        if strategy.replays:
            known = stream.classes_before(t + 1) if invert.synthetic == "regenerate" else len(stream.classes(t))
            total += inverting * known * invert.images_per_class * passes
    return total


def _seconds_an_image(config: Config, stream: TaskStream) -> tuple[float, float]:
    """Measured seconds of a forward and backward pass of one image: in learning, and in inversion."""
    import torch

    from cl_core import backbones, prompts
    from cl_core.seeding import generator

    torch.set_num_threads(config.machine.threads)
    draws, shape = generator(config.machine.seed, "duration"), stream.dataset.split("train").images.shape[1:]
    said = prompts.of_stream(stream)
    instead = prompts.instead(stream)
    network = backbones.build(config.network, shape, len(stream.class_names), draws, said, instead=instead)
    network.mixed = config.machine.precision == "bfloat16"
    n = config.learn.batch_size
    images = torch.randn(n, *shape, generator=draws)

    def learn() -> None:
        network(images).square().mean().backward()

    def invert() -> None:
        x = images.clone().requires_grad_()
        torch.autograd.grad(network.features(x).square().mean(), x)

    learning = _median(learn) / n
    network.eval().requires_grad_(False)
    return learning, _median(invert) / n


def _median(step: Callable[[], None]) -> float:
    times = []
    for _ in range(1 + MEASURED):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return sorted(times[1:])[MEASURED // 2]
