"""What training writes and predicting reads: one folder, and the numpy-only arithmetic that both sides share."""

from fimiscope.bundle.bundle import Bundle, Scorer

__all__ = ["Bundle", "Scorer"]
