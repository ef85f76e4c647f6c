"""Where encoders come from: `hub:…`, `path:…`, `pip:…`, and `tiny`."""

from fimiscope.training.encoders.references import Encoder, Reference, known_references, resolve

__all__ = ["Encoder", "Reference", "known_references", "resolve"]
