"""PMI + CFS: the paper's whole method."""

from typing import ClassVar

from cl_core.strategies.base import register
from cl_core.strategies.pmi import LayerwiseInversionReplay


@register
class SelectedInversionReplay(LayerwiseInversionReplay):
    """PMI whose target features are chosen by contrastive feature selection (METHOD.md §6)."""

    name = "pmi-cfs"
    title = "Layer-wise inversion with selection"
    description = "Layer-wise inversion of features chosen to be diverse (contrastive feature selection): the paper."
    settings: ClassVar = {"invert": {"selection": "cfs"}}
