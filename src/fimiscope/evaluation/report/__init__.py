"""What one evaluation came to, as tables and as one self-contained page."""

from fimiscope.evaluation.report.report import Report

__all__ = ["Report"]
