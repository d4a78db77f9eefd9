"""What belongs to a whole experiment: the stream, the network and the machine."""

from collections.abc import Sequence
from dataclasses import dataclass

from cl_core.config.settings import setting, validate


@dataclass(frozen=True)
class StreamConfig:
    """Which images arrive in which order."""

    data: str = setting(
        "fashion-mnist",
        "The images of the stream: the bundled set, a well-known one on this computer (the Data page and `python -m "
        "cl_core data` list and fetch them), or folder:PATH with a sub-folder of images for each class.",
        label="Data",
        group="What is learned",
    )
    scenario: str = setting(
        "class-incremental",
        "class-incremental: each task brings classes that were not there before; domain-incremental: every task has "
        "all the classes, in one domain of the data after another (photos, then sketches).",
        label="Scenario",
        group="What is learned",
        options=("class-incremental", "domain-incremental"),
    )
    increment: int = setting(
        2,
        "Classes that each task brings; in the class-incremental scenario only.",
        label="Classes a task",
        group="What is learned",
        low=1,
        high=100,
        step=1,
    )
    first: int = setting(
        0,
        "Classes of the first task, where it is to have more (or fewer) than the others; 0: as many as they have.",
        label="Classes of the first task",
        group="What is learned",
        low=0,
        high=200,
        step=1,
    )
    tasks: int = setting(
        0,
        "The stream ends after so many tasks; what they do not need is left out. 0: as many as there are.",
        label="Tasks",
        group="What is learned",
        low=0,
        high=200,
        step=1,
    )
    order: tuple[int, ...] = setting(
        (),
        "Which classes come, in this order, by the numbers that the data gives them (the first is 0), as in 3, 1, 2; "
        "empty: all of them.",
        label="Classes, by number",
        group="What is learned",
        low=0,
        high=9999,
    )
    class_order: str = setting(
        "natural",
        "Natural: as the data set numbers its classes, or as listed by number. Shuffled: a permutation of those, drawn "
        "from the seed; of the domains too, where each is a task.",
        label="Class order",
        group="What is learned",
        options=("natural", "shuffled"),
    )
    train_per_class: int = setting(
        1000,
        "Training images of each class in a task. Fewer is faster and a little less accurate.",
        label="Training images a class",
        group="What is learned",
        low=2,
        high=10000,
        step=50,
    )

    def __post_init__(self) -> None:
        validate(self)

    @property
    def by_domain(self) -> bool:
        """Whether each task is a domain, with all the classes in it."""
        return self.scenario == "domain-incremental"

    def classes_of(self, task: int, task_sizes: Sequence[int]) -> tuple[int, ...]:
        """The class indices of a task (0 the first), by the number of classes of each task of the stream."""
        start = 0 if self.by_domain else sum(task_sizes[:task])
        return tuple(range(start, start + task_sizes[task]))


@dataclass(frozen=True)
class NetworkConfig:
    """A residual network in the CIFAR style (the default is the paper's ResNet-32), or a CLIP with small adapters."""

    backbone: str = setting(
        "resnet",
        "resnet: a residual network that learns from nothing; clip: a vision-language model that was trained before, "
        "knows classes by prompts, and learns in small adapters only.",
        label="Backbone",
        group="Which network",
        options=("resnet", "clip"),
    )
    clip: str = setting(
        "small-clip",
        "Which CLIP: the small one that comes with the program, or a vision transformer of open_clip, such as "
        "ViT-B-32; with the backbone clip only.",
        label="CLIP",
        group="Which network",
    )
    checkpoint: str = setting(
        "",
        "Its weights: a file on this computer or a pretrained tag of open_clip; empty: those that come with the "
        "program; random: none, for trying an architecture.",
        label="Checkpoint",
        group="Which network",
    )
    adapter: int = setting(
        32,
        "Numbers that an adapter of CLIP squeezes each token through, in every block; the adapters are all that "
        "learning changes.",
        label="Size of the adapters",
        group="Which network",
        low=1,
        high=512,
        step=8,
    )
    width: int = setting(
        16,
        "Channels of the first stage; the second has twice, the third four times as many.",
        label="Width of the network",
        group="Which network",
        low=8,
        high=64,
        step=8,
    )
    blocks: int = setting(
        5,
        "Residual blocks in each of the three stages. 1 is small and quick, 3 is ResNet-20, 5 is ResNet-32. "
        "Each block is one layer of layer-wise inversion.",
        label="Depth: blocks a stage",
        group="Which network",
        low=1,
        high=9,
        step=1,
    )
    activation: str = setting(
        "relu",
        "ReLU is the paper's; SiLU is smooth, and smooth networks are easier to invert.",
        label="Activation",
        group="Which network",
        options=("relu", "silu"),
    )
    pool: int = setting(
        1,
        "The penultimate feature is pooled to a grid of this side: 1 is the paper's global average; 3 keeps where "
        "things are, which makes inverted images recognisable, at nine times the feature size.",
        label="Feature grid",
        group="Which network",
        low=1,
        high=4,
        step=1,
    )
    stem_stride: int = setting(
        1,
        "Stride of the first convolution: 2 halves the side of all feature maps and quarters the cost.",
        label="Stride of the stem",
        group="Which network",
        low=1,
        high=2,
        step=1,
    )

    def __post_init__(self) -> None:
        validate(self)


@dataclass(frozen=True)
class MachineConfig:
    """Where and how reproducibly it is computed."""

    seed: int = setting(
        0, "The one seed of all randomness.", label="Seed", group="Machine", low=0, high=2**31 - 1, step=1
    )
    device: str = setting(
        "auto",
        "auto takes CUDA, then MPS, then the CPU.",
        label="Device",
        group="Machine",
        options=("auto", "cpu", "cuda", "mps"),
    )
    precision: str = setting(
        "float32",
        "float32, or bfloat16 within the layers (mixed precision): quicker on a GPU and on recent CPUs, and a little "
        "coarser.",
        label="Precision",
        group="Machine",
        options=("float32", "bfloat16"),
    )
    threads: int = setting(
        1,
        "CPU threads of a computation; part of what makes a result repeatable. 1 is quickest for small networks, and "
        "leaves a core for the page; a network as large as ViT-B-32 gains from more.",
        label="Threads",
        group="Machine",
        low=1,
        high=64,
        step=1,
    )

    def __post_init__(self) -> None:
        validate(self)
