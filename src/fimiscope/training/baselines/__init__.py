"""What a user would try before our models, on the same parts of the same corpus; `docs/baselines.md` describes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Example
from fimiscope.progress import Progress
from fimiscope.training.baselines.setfit import setfit
from fimiscope.training.baselines.single_head import single_head
from fimiscope.training.baselines.zero_shot import zero_shot
from fimiscope.training.calibrating import Floats

__all__ = ["BASELINES", "Baseline"]


class Baseline(Protocol):
    """Learns what it learns and gives the raw logits of the validation and of the test part.

    Each has shape (articles, labels), in the order of the codebook's heads, NaN for labels that it does not judge.
    """

    def __call__(
        self,
        config: Config,
        codebook: Codebook,
        train: Sequence[Example],
        valid: Sequence[Example],
        test: Sequence[Example],
        *,
        progress: Progress,
    ) -> tuple[Floats, Floats]: ...


BASELINES: dict[str, Baseline] = {"zero-shot": zero_shot, "setfit": setfit, "single-head": single_head}
