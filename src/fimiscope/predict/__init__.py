"""Scoring articles with a bundle: numpy, tokenizers and onnxruntime alone."""

from fimiscope.predict.predictor import Predictor

__all__ = ["Predictor"]
