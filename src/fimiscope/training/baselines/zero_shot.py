"""Zero-shot: how near an article lies to each definition of the codebook.

Labels as texts, told by similarity without a text to learn from: Chang et al., "Importance of semantic representation:
dataless classification" (2008). Vectors are centred first, because encoders trained for similarity keep them in a
narrow cone: Mu and Viswanath, "All-but-the-top" (2018).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fimiscope.bundle.calibration import head_slices, probabilities
from fimiscope.codebook import Codebook, Entry
from fimiscope.config import Config
from fimiscope.corpus import Example
from fimiscope.progress import Progress
from fimiscope.training.calibrating import Floats, at_base_rate, fit_calibrator
from fimiscope.training.embedding import embed
from fimiscope.training.encoding import open_encoder
from fimiscope.training.targets import targets_of

CENTRE_TEXTS = 512
TEMPERATURE = 0.05


def zero_shot(
    config: Config,
    codebook: Codebook,
    train: Sequence[Example],
    valid: Sequence[Example],
    test: Sequence[Example],
    *,
    progress: Progress,
) -> tuple[Floats, Floats]:
    """Cosine of article and definition over `TEMPERATURE`, both less the mean of a sample of training texts.

    The encoder is read at its last layer, whatever `encoder_layers` says: that layer is the one trained for similarity.
    No training label is read; calibration reads those of the validation part. The flag has no definition of its own:
    its logit is that of P(role flags) P(africa), from role and africa calibrated.
    """
    opened = open_encoder(config.model_copy(update={"encoder_layers": None}))
    sample = np.random.default_rng(config.seed).permutation(len(train))[:CENTRE_TEXTS]
    examples = [*(train[row] for row in sample), *valid, *test]
    articles = embed([example.document().text for example in examples], opened, progress=progress)
    definitions = embed(definition_texts(codebook), opened, progress=progress)
    centre = articles[: len(sample)].mean(axis=0)
    similarity = _unit(articles[len(sample) :] - centre) @ _unit(definitions - centre).T
    logits = np.pad(similarity / TEMPERATURE, ((0, 0), (0, 1)))
    logits[:, -1] = _flag_logits(logits, valid, codebook, config)
    return logits[: len(valid)], logits[len(valid) :]


def definition_texts(codebook: Codebook) -> list[str]:
    """What the codebook says of each label, in the order of the logits, without the flag: names and definition."""

    def text(entry: Entry) -> str:
        return ". ".join([*entry.name.values(), entry.definition])

    entries = (*codebook.roles, *codebook.actors, *codebook.narratives)
    return [*map(text, entries), codebook.africa.definition]


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), dtype=np.float64)


def _flag_logits(logits: Floats, valid: Sequence[Example], codebook: Codebook, config: Config) -> Floats:
    heads = codebook.heads()
    slices = head_slices(heads)
    gold = at_base_rate(targets_of(valid, codebook), heads, config.decision.base_rate)
    calibrator = fit_calibrator(logits[: len(valid)], gold, [None] * len(valid), heads)
    scores = probabilities(calibrator(logits), heads)
    flagging = [codebook.role_codes.index(code) for code in codebook.flagging_roles]
    flag = scores[:, slices["role"]][:, flagging].sum(axis=1) * scores[:, slices["africa"].start]
    flag = flag.clip(1e-6, 1 - 1e-6)
    return np.asarray(np.log(flag / (1 - flag)))
