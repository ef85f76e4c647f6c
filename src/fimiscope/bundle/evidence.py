"""Which sentences of a document a score rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.ngrams import LexicalModel
from fimiscope.bundle.pooling import TokenScores, attention
from fimiscope.bundle.windows import Ints
from fimiscope.reading import sentences
from fimiscope.records import Span

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SentenceScores:
    """How strongly each sentence of a document bears on each label.

    Attributes:
        spans: the sentences, as offsets into the document.
        evidence: 0 to 1 for each, shape (sentences,).
        labels: contribution of each sentence to each label's logit, shape (sentences, labels).
    """

    spans: tuple[Span, ...]
    evidence: Floats
    labels: Floats

    def best(self, most: int, *, share: float = 0.5) -> list[int]:
        """Indices of at most `most` sentences, strongest first, none below `share` of the strongest."""
        order = np.argsort(-self.evidence, kind="stable")[:most]
        return [int(index) for index in order if self.evidence[index] >= share * self.evidence[order[0]]]

    def averaged_with(self, other: SentenceScores) -> SentenceScores:
        """The same sentences and label contributions, with the mean evidence of both."""
        return replace(self, evidence=(self.evidence + other.evidence) / 2)


def sentences_by_attention(text: str, tokens: TokenScores, offsets: Ints) -> SentenceScores:
    """Sentence scores from the encoder: mean evidence probability of the stronger half of a sentence's tokens,
    and the sentence's share of the attention pooling for each label."""
    spans = tuple(sentences(text))
    strength = np.zeros(len(spans))
    labels = np.zeros((len(spans), tokens.attended.shape[1]))
    if len(offsets):
        weights = attention(tokens.evidence)
        probability = 0.5 * (1 + np.tanh(tokens.evidence / 2))
        middles = offsets.mean(axis=1)
        for number, span in enumerate(spans):
            inside = (middles >= span.start) & (middles <= span.end)
            if inside.any():
                values = np.sort(probability[inside])
                strength[number] = values[len(values) // 2 :].mean()
                labels[number] = weights[inside] @ tokens.attended[inside]
    return SentenceScores(spans, strength, labels)


def sentences_by_ngrams(text: str, model: LexicalModel, flagging: Sequence[int], other: int) -> SentenceScores:
    """Sentence scores from the lexical model: its role logits for the sentence alone.

    `flagging` and `other` are the positions of the flagging roles and of the role `none` among the labels.
    """
    spans = tuple(sentences(text))
    labels = np.array([model.logits(text[span.start : span.end]) for span in spans], dtype=np.float64)
    if not spans:
        return SentenceScores((), np.zeros(0), np.zeros((0, len(model.bias))))
    margin = np.logaddexp.reduce(labels[:, list(flagging)], axis=1) - labels[:, other]
    return SentenceScores(spans, 0.5 * (1 + np.tanh(margin / 2)), labels)
