"""From labelled examples to the arrays that the loss compares with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.calibration import head_slices
from fimiscope.bundle.document import Document
from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.records import Labels

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Targets:
    """Gold labels of a list of articles, in the order of the model's logits.

    Attributes:
        values: 0 or 1, shape (articles, labels); meaningless where masked.
        known: 1 where labelled, 0 where masked, shape (articles, labels).
        weight: of each article in the loss, shape (articles,).
    """

    values: Floats
    known: Floats
    weight: Floats


def targets_of(examples: Sequence[Example], codebook: Codebook) -> Targets:
    """Label arrays of examples. A head without a label is masked, never negative."""
    heads = codebook.heads()
    width = sum(len(head.labels) for head in heads)
    values = np.zeros((len(examples), width), dtype=np.float32)
    known = np.zeros_like(values)
    slices = head_slices(heads)
    for row, example in enumerate(examples):
        for head in heads:
            chosen = _chosen(head.name, example.labels, codebook)
            if chosen is None:
                continue
            known[row, slices[head.name]] = 1
            for code in chosen:
                values[row, slices[head.name].start + head.labels.index(code)] = 1
    return Targets(values, known, np.array([example.weight for example in examples], dtype=np.float32))


def evidence_targets(document: Document, offsets: npt.NDArray[np.int64], labels: Labels, codebook: Codebook) -> Floats:
    """1 for tokens inside annotated evidence, 0 for others, NaN where nothing is known; shape (tokens,).

    `offsets` are the tokens' characters in the document. In a text without a flagging role no word is evidence.
    """
    if labels.role is None or (labels.role in codebook.flagging_roles and not labels.evidence):
        return np.full(len(offsets), np.nan, dtype=np.float32)
    inside = np.zeros(len(offsets), dtype=np.float32)
    for number, (start, end) in enumerate(offsets.tolist()):
        field, first, last = document.locate(start, end)
        if field == "text":
            inside[number] = any(first < span.end and last > span.start for span in labels.evidence or ())
        elif labels.role in codebook.flagging_roles:
            inside[number] = np.nan
    return inside


def _chosen(head: str, labels: Labels, codebook: Codebook) -> tuple[str, ...] | None:
    if head == "role":
        return None if labels.role is None else (labels.role,)
    if head == "actors":
        return labels.actors
    if head == "narratives":
        return labels.narratives
    decision = labels.africa if head == "africa" else codebook.flagged(labels)
    if decision is None:
        return None
    return (head,) if decision else ()
