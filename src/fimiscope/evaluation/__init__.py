"""Measuring models: figures with intervals, paired differences, trivial rules, plots."""

from fimiscope.evaluation.evaluate import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
