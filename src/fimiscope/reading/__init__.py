"""Files become articles, and articles become text that a model can read; all offsets keep indexing the original."""

from fimiscope.reading.articles import read_articles
from fimiscope.reading.cleaning import Cleaned, clean
from fimiscope.reading.identities import distinct_ids
from fimiscope.reading.inputs import QUARANTINE
from fimiscope.reading.language import identify_language
from fimiscope.reading.legibility import legibility_fault
from fimiscope.reading.position import Position
from fimiscope.reading.rows import article_of, read_rows
from fimiscope.reading.sentences import sentences
from fimiscope.reading.shouting import calm

__all__ = [
    "QUARANTINE",
    "Cleaned",
    "Position",
    "article_of",
    "calm",
    "clean",
    "distinct_ids",
    "identify_language",
    "legibility_fault",
    "read_articles",
    "read_rows",
    "sentences",
]
