"""Fitting: encoders, heads, the lexical model, calibrators and thresholds; the result is a bundle."""

from fimiscope.training.fitting import fit_bundle, share_work, validate

__all__ = ["fit_bundle", "share_work", "validate"]
