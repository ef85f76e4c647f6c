"""From token scores to article scores: attention pooling over all windows of an article.

The encoder gives every token t an evidence logit e_t and, for each label, two contributions: m_t to the article's
plain average and a_t to its evidence-weighted average. The article's logits are

    z = mean_t m_t + sum_t w_t a_t      with   w = softmax_t(e)

over the tokens of all its windows (each token counted once). For the role m_t is zero, so that it rests on the
attended words alone. The weights w say on which words the scores rest:
that is the evidence. The form is the attention pooling of Ilse, Tomczak and Welling, "Attention-based deep multiple
instance learning" (2018), with linear instance scores and, in training, supervised weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TokenScores:
    """What the encoder says of an article's tokens.

    Attributes:
        evidence: logit of each token being evidence, shape (tokens,).
        average: contributions m_t, shape (tokens, labels).
        attended: contributions a_t, shape (tokens, labels).
    """

    evidence: Floats
    average: Floats
    attended: Floats


def attention(evidence: Floats) -> Floats:
    """Softmax of the evidence logits, shape (tokens,)."""
    weights = np.exp(evidence - evidence.max(initial=-np.inf))
    return np.asarray(weights / weights.sum(), dtype=np.float32)


def pool(scores: TokenScores) -> Floats:
    """The article's logits, shape (labels,); zeros for an article without tokens."""
    if len(scores.evidence) == 0:
        return np.zeros(scores.average.shape[1], dtype=np.float32)
    pooled = scores.average.mean(axis=0) + attention(scores.evidence) @ scores.attended
    return np.asarray(pooled, dtype=np.float32)
