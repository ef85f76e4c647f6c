"""Labelled texts: read, checked, joined, cleared of copies and split into what is learned from and what is held out."""

from fimiscope.corpus.building import build
from fimiscope.corpus.examples import Corpus, Dropped, Example
from fimiscope.corpus.labelled import read_labelled
from fimiscope.corpus.tables import corpus_tables

__all__ = ["Corpus", "Dropped", "Example", "build", "corpus_tables", "read_labelled"]
