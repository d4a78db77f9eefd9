"""What belongs to a whole experiment: the stream, the network and the machine."""

from dataclasses import dataclass

from cl_core.config.settings import setting, validate


@dataclass(frozen=True)
class StreamConfig:
    """Which images arrive in which order."""

    data: str = setting(
        "fashion-mnist",
        "The images of the stream: a bundled set, or folder:PATH with a sub-folder of images for each class.",
        label="Data",
        group="What is learned",
    )
    increment: int = setting(
        2, "Classes that each task brings.", label="Classes a task", group="What is learned", low=1, high=100, step=1
    )
    class_order: str = setting(
        "natural",
        "Natural: as the data set numbers its classes. Shuffled: a permutation drawn from the seed.",
        label="Class order",
        group="What is learned",
        options=("natural", "shuffled"),
    )
    train_per_class: int = setting(
        1000,
        "Training images of each class. Fewer is faster and a little less accurate.",
        label="Training images a class",
        group="What is learned",
        low=2,
        high=10000,
        step=50,
    )

    def __post_init__(self) -> None:
        validate(self)


@dataclass(frozen=True)
class NetworkConfig:
    """A residual network in the CIFAR style; the default is the paper's ResNet-32."""

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
        2,
        "CPU threads of a computation; part of what makes a result repeatable.",
        label="Threads",
        group="Machine",
        low=1,
        high=64,
        step=1,
    )

    def __post_init__(self) -> None:
        validate(self)
