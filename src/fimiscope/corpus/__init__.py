"""Labelled texts: read, checked, joined, cleared of copies and split into what is learned from and what is held out."""

from fimiscope.corpus.building import build
from fimiscope.corpus.examples import Corpus, Dropped, Example
from fimiscope.corpus.labelled import read_labelled
from fimiscope.corpus.tables import Table, corpus_tables

__all__ = ["Corpus", "Dropped", "Example", "Table", "build", "corpus_tables", "read_labelled"]
