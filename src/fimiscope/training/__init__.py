"""Fitting: encoders, heads, the lexical model, calibrators and thresholds; the result is a bundle."""

from fimiscope.training.fitting import fit_bundle, share_work

__all__ = ["fit_bundle", "share_work"]
