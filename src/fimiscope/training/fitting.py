"""One training run: models, calibrators and thresholds, sealed into a bundle."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from fimiscope.bundle import adapter, files
from fimiscope.bundle.bundle import save_lexical
from fimiscope.bundle.calibration import Calibrator, blend
from fimiscope.bundle.decisions import Decisions
from fimiscope.bundle.encoder import EncoderModel
from fimiscope.bundle.ngrams import LexicalModel
from fimiscope.checksums import short_digest
from fimiscope.codebook import Codebook
from fimiscope.config import Config, LexicalConfig
from fimiscope.corpus import Corpus, Example
from fimiscope.errors import ConfigError, CorpusError
from fimiscope.progress import Progress, silent
from fimiscope.reading import identify_language
from fimiscope.training.calibrating import Floats, fit_scorer
from fimiscope.training.encoders import learned_texts
from fimiscope.training.lexical import fit_lexical
from fimiscope.training.targets import targets_of

if TYPE_CHECKING:
    from fimiscope.training.loop import Epoch, Listener


def fit_bundle(
    config: Config,
    corpus: Corpus,
    codebook: Codebook,
    folder: Path,
    *,
    listener: Listener = lambda epoch: None,
    resume: bool = False,
    progress: Progress = silent,
) -> files.Manifest:
    """Train what the config asks for and publish the bundle as `folder`.

    Raises:
        CorpusError: there is nothing to train or to calibrate on.
    """
    train, valid = corpus.part("train"), corpus.part("valid")
    check_parts(train, valid)
    _check_encoder(config, corpus, folder)
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        valid_texts = [example.document().text for example in valid]
        raw = _fit_models(
            config,
            codebook,
            train,
            valid,
            valid_texts,
            draft,
            folder,
            listener=listener,
            resume=resume,
            progress=progress,
        )
        _fit_decisions(config, codebook, train, valid, valid_texts, raw, draft)
        files.write_json(draft / files.CODEBOOK, codebook.to_dict())
        files.write_json(
            draft / files.HEADS, [{"name": h.name, "kind": h.kind, "labels": list(h.labels)} for h in codebook.heads()]
        )
        files.write_json(draft / files.LANGUAGES, languages_of(train))
        files.write_json(draft / files.LEARNED, _learned_besides(draft, [*train, *valid], config.encoder))
        (draft / files.CONFIG).write_text(config.to_yaml(), encoding="utf-8")
        manifest = files.seal(
            draft,
            name=config.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            codebook=codebook.version,
            trained_on=trained_on(train),
            corpus_digest=corpus.digest,
            encoder=config.encoder,
        )
        files.publish(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def validate(
    config: Config,
    corpus: Corpus,
    codebook: Codebook,
    *,
    listener: Listener = lambda epoch: None,
    progress: Progress = silent,
) -> Floats:
    """Train as `fit_bundle` does, and leave nothing behind.

    Returns:
        Raw logits of the validation articles, shape (articles, labels): those of the encoder in the epoch that
        `fit_bundle` would keep, or of the word model where there is no encoder.

    Raises:
        CorpusError: there is nothing to train or to measure on.
    """
    train, valid = corpus.part("train"), corpus.part("valid")
    check_parts(train, valid)
    if config.lexical is not None and config.encoder is None:
        return _logits_of_words(_fit_words(config.lexical, codebook, train, progress), valid)
    from fimiscope.training.encoding import train_encoder

    assert config.encoder is not None
    check_held_out(corpus, config.encoder)
    epochs: list[Epoch] = []

    def listen(epoch: Epoch) -> None:
        epochs.append(epoch)
        listener(epoch)

    with TemporaryDirectory() as folder:
        train_encoder(
            config,
            codebook,
            train,
            valid,
            None,
            Path(folder) / "checkpoints",
            resume=False,
            listener=listen,
            progress=progress,
        )
    return min(epochs, key=lambda epoch: epoch.valid_loss).valid_logits.astype(np.float64)


def share_work(config: Config, corpus: Corpus, codebook: Codebook, folder: Path, *, resume: bool = False) -> None:
    """What the other processes of a torchrun do: their share of the steps, and nothing else."""
    from fimiscope.training.encoding import train_encoder

    train, valid = corpus.part("train"), corpus.part("valid")
    check_parts(train, valid)
    _check_encoder(config, corpus, folder)
    if config.encoder is not None:
        train_encoder(
            config,
            codebook,
            train,
            valid,
            None,
            _checkpoints(folder),
            resume=resume,
            listener=lambda epoch: None,
            progress=silent,
        )


def _checkpoints(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.checkpoints")


def trained_on(train: Sequence[Example]) -> str:
    """The training part in words: sources with their counts, largest first."""
    counts = Counter(example.source for example in train)
    return ", ".join(f"{source} {count}" for source, count in counts.most_common())


def languages_of(train: Sequence[Example]) -> dict[str, int]:
    """Texts of each language in the training part, as predicting identifies them, largest first."""
    counts = Counter(identify_language(example.document().text) or "unknown" for example in train)
    return dict(counts.most_common())


def _learned_besides(draft: Path, examples: Sequence[Example], encoder: str | None) -> list[str]:
    """Short digests of the examples and of the texts behind the encoder, but for those that the draft's adapter lists.

    Twice they would make a delta too large.
    """
    digests = {short_digest(example.article.text) for example in examples}
    if encoder is not None:
        digests |= learned_texts(encoder)
    if adapter.is_adapter(draft):
        digests -= adapter.learned(draft)
    return sorted(digests)


def check_parts(train: Sequence[Example], valid: Sequence[Example]) -> None:
    """Whether there is something to learn from and to calibrate on.

    Raises:
        CorpusError: there is not.
    """
    roles = {example.labels.role for example in train} - {None}
    if not train or not valid:
        missing = "train" if not train else "valid"
        raise CorpusError(f"the corpus has no texts in its part '{missing}': look at `fimiscope corpus show CONFIG`")
    if len(roles) == 1:
        raise CorpusError(f"all training texts have the role '{roles.pop()}': there is nothing to tell apart")


def learned_already(examples: Sequence[Example], encoder: str) -> list[Example]:
    """Those of the examples that the adapters of the encoder, given by its reference, were trained on."""
    learned = learned_texts(encoder)
    return [example for example in examples if learned and short_digest(example.article.text) in learned]


def check_held_out(corpus: Corpus, encoder: str) -> None:
    """Whether the encoder, given by its reference, is new to all texts that are held out.

    Raises:
        CorpusError: its adapters were trained on some of them.
    """
    if held_out := learned_already([*corpus.part("valid"), *corpus.part("test")], encoder):
        raise CorpusError(
            f"encoder {encoder} has learned from {len(held_out)} of the texts that are held out "
            f"({held_out[0].article.id}, …): start from its base, or hold out others"
        )


def _check_encoder(config: Config, corpus: Corpus, folder: Path) -> None:
    """What the encoder has learned from cannot measure it, and a bundle cannot stand on itself."""
    if config.encoder is None:
        return
    if folder.resolve() in [below.resolve() for below in adapter.folders_of(config.encoder)]:
        raise ConfigError(f"name: {folder} holds the adapter that this run starts from: choose another name")
    check_held_out(corpus, config.encoder)


def _fit_models(
    config: Config,
    codebook: Codebook,
    train: Sequence[Example],
    valid: Sequence[Example],
    valid_texts: Sequence[str],
    draft: Path,
    folder: Path,
    *,
    listener: Listener,
    resume: bool,
    progress: Progress,
) -> dict[str, Floats]:
    """Fit the models into `draft`; raw validation logits of each, as predicting computes them."""
    raw: dict[str, Floats] = {}
    if config.encoder is not None:
        from fimiscope.training.encoding import train_encoder

        layout = train_encoder(
            config,
            codebook,
            train,
            valid,
            draft,
            _checkpoints(folder),
            resume=resume,
            listener=listener,
            progress=progress,
        )
        files.write_json(draft / files.WINDOWS, layout.to_dict())
        encoder = EncoderModel.load(draft / files.GRAPH, draft / files.TOKENIZER, layout)
        raw["encoder"] = encoder.logits(valid_texts)
    if config.lexical is not None:
        model = _fit_words(config.lexical, codebook, train, progress)
        save_lexical(draft, model)
        raw["lexical"] = _logits_of_words(model, valid)
    return raw


def _fit_words(config: LexicalConfig, codebook: Codebook, train: Sequence[Example], progress: Progress) -> LexicalModel:
    texts = [example.document().text for example in train]
    return fit_lexical(texts, targets_of(train, codebook), codebook.heads(), config, progress=progress)


def _logits_of_words(model: LexicalModel, examples: Sequence[Example]) -> Floats:
    return np.array([model.logits(example.document().text) for example in examples], dtype=np.float64)


def _fit_decisions(
    config: Config,
    codebook: Codebook,
    train: Sequence[Example],
    valid: Sequence[Example],
    valid_texts: Sequence[str],
    raw: dict[str, Floats],
    draft: Path,
) -> None:
    """Fit and write calibrators and thresholds of every scorer."""
    languages = [identify_language(text) for text in valid_texts]

    def fit(logits: Floats) -> tuple[Calibrator, Decisions]:
        return fit_scorer(logits, train, valid, languages, codebook, config.decision)

    fitted = {name: fit(logits) for name, logits in raw.items()}
    if len(raw) == 2:
        fitted["blend"] = fit(blend([fitted[name][0](logits) for name, logits in raw.items()], codebook.heads()))
    files.write_json(draft / files.CALIBRATION, {name: one.to_dict() for name, (one, _) in fitted.items()})
    files.write_json(draft / files.DECISIONS, {name: one.to_dict() for name, (_, one) in fitted.items()})
