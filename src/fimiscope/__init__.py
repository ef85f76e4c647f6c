"""fimiscope flags narratives of Russian and Chinese information operations in Africa, with the evidence.

The names below are the public ones; each is imported when it is first used, so `import fimiscope` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fimiscope.bundle import Bundle
    from fimiscope.errors import (
        BundleError,
        CodebookError,
        ConfigError,
        CorpusError,
        EncoderError,
        FimiscopeError,
        MissingExtra,
        OutputError,
        ReadingError,
        TrackingError,
    )
    from fimiscope.evaluation.evaluate import evaluate
    from fimiscope.pipeline import train
    from fimiscope.predict import Predictor
    from fimiscope.records import Article, Labels, Verdict

__all__ = [
    "Article",
    "Bundle",
    "BundleError",
    "CodebookError",
    "ConfigError",
    "CorpusError",
    "EncoderError",
    "FimiscopeError",
    "Labels",
    "MissingExtra",
    "OutputError",
    "Predictor",
    "ReadingError",
    "TrackingError",
    "Verdict",
    "evaluate",
    "train",
]

_ELSEWHERE = {
    "Article": "fimiscope.records",
    "Bundle": "fimiscope.bundle",
    "Labels": "fimiscope.records",
    "Predictor": "fimiscope.predict",
    "Verdict": "fimiscope.records",
    "evaluate": "fimiscope.evaluation.evaluate",
    "train": "fimiscope.pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'fimiscope' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(_ELSEWHERE.get(name, "fimiscope.errors")), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
