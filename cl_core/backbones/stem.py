"""What the small CLIP has in place of a patch embedding, as it is trained and as it is stored."""

from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def stem(width: int, norms: bool = False) -> nn.Sequential:
    """Three strided convolutions in place of the small CLIP's patch embedding: (n, 3, h, w) → (n, width, h/8, w/8).

    Trained from few images, it learns what patches have in common much faster than one linear map of 8 × 8 pixels
    (Xiao et al. 2021). norms: with BatchNorm, for training; stored, they are folded into the convolutions.
    """
    layers: list[nn.Module] = []
    for channels, more in ((3, width // 4), (width // 4, width // 2), (width // 2, width)):
        norm = nn.BatchNorm2d(more) if norms else nn.Identity()
        layers += [nn.Conv2d(channels, more, 3, 2, 1, bias=not norms), norm, nn.GELU()]
    return nn.Sequential(*layers[:-1])


def fold(model: Any) -> None:
    """Fold the BatchNorms of a model of `construct_compact` into its convolutions, exactly, as it is stored."""
    stem = model.visual.conv1
    for i, layer in enumerate(stem):
        if isinstance(layer, nn.BatchNorm2d):
            stem[i - 1] = fuse_conv_bn_eval(stem[i - 1].eval(), layer.eval())
            stem[i] = nn.Identity()
