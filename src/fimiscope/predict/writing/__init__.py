"""Verdicts to a file: jsonl, csv and parquet for machines, a workbook and a page for people."""

from fimiscope.predict.writing.rows import as_row, flat_schema, flatten
from fimiscope.predict.writing.writer import VerdictWriter, open_writer

__all__ = ["VerdictWriter", "as_row", "flat_schema", "flatten", "open_writer"]
