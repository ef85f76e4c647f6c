"""Where encoders come from: `shipped:…`, `hub:…`, `path:…`, `pip:…`, and `tiny`."""

from fimiscope.training.encoders.references import (
    Encoder,
    Reference,
    known_references,
    learned_texts,
    resolve,
)

__all__ = ["Encoder", "Reference", "known_references", "learned_texts", "resolve"]
