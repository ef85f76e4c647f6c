"""From articles to verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fimiscope.bundle import Bundle, Scorer
from fimiscope.bundle.bundle import Precision, Scored
from fimiscope.bundle.decisions import PROFILES, Profile
from fimiscope.bundle.document import Document
from fimiscope.bundle.encoder import Device, Reading
from fimiscope.bundle.evidence import SentenceScores, sentences_by_attention, sentences_by_ngrams
from fimiscope.bundle.verdicts import cleared_verdict, failed_verdict, scored_verdict
from fimiscope.bundle.windows import Windowed
from fimiscope.codebook import NO_ROLE
from fimiscope.errors import BundleError, ConfigError
from fimiscope.reading import identify_language, legibility_fault
from fimiscope.ready import ready_bundle
from fimiscope.records import Article, Evidence, Unreadable, Verdict

ARTICLES_AT_A_TIME = 32
MOST_EVIDENCE = 3
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Examined:
    """An article on its way to a verdict: what was read, in which language, with which scores.

    `fault` says why it cannot be scored; `document`, `scored` and `sentences` are there where it can. `windows` are
    what the gate saw of it, where there is one; `cleared` says that the gate cleared it, so that nothing scored it.
    """

    article: Article
    language: str | None
    fault: str | None = None
    document: Document | None = None
    scored: Scored | None = None
    sentences: SentenceScores | None = None
    windows: Windowed | None = None
    cleared: bool = False


class Predictor:
    """Scores articles with one bundle.

    Example:
        >>> predictor = Predictor.load("models/quickstart")  # doctest: +SKIP
        >>> article = Article("1", "The mayor opened a covered market on Monday.")
        >>> [verdict] = predictor.predict([article])  # doctest: +SKIP
    """

    def __init__(
        self, bundle: Bundle, *, profile: Profile = "balanced", scorer: Scorer | None = None, gate: bool = True
    ) -> None:
        """`gate` lets the bundle's gate, where it has one, clear articles before the scorer that it was fitted to."""
        if profile not in PROFILES:
            raise ConfigError(f"profile '{profile}' is unknown: choose {', '.join(PROFILES)}")
        self.bundle = bundle
        self.profile = profile
        self.scorer: Scorer = scorer or bundle.scorers[0]
        if self.scorer not in bundle.scorers:
            raise BundleError(f"bundle {bundle.manifest.name} scores by {', '.join(bundle.scorers)}, not by {scorer}")
        self._decisions = bundle.decisions[self.scorer]
        self._gate = bundle.gate if gate and self.scorer == bundle.scorers[0] else None

    @classmethod
    def load(
        cls,
        folder: Path | str,
        *,
        profile: Profile = "balanced",
        scorer: Scorer | None = None,
        threads: int | None = None,
        gate: bool = True,
        precision: Precision = "fp32",
        device: Device = "cpu",
    ) -> Predictor:
        """Open the bundle in `folder`.

        Args:
            scorer: one model of a blend.
            threads: bounds the cores used; all that this process may use when absent.
            gate: without it every article is scored.
            precision: `int8` is faster on recent processors, and its scores differ a little (docs/runtime.md).
            device: `cuda` needs onnxruntime-gpu.

        Raises:
            BundleError: the folder is no bundle, is damaged, or has another format.
            ConfigError: an argument is unknown, or this machine cannot do that precision or has no such device.
            MissingExtra, OutputError: the int8 form cannot be made here.
        """
        bundle = Bundle.load(folder, threads=threads, precision=precision, device=device)
        return cls(bundle, profile=profile, scorer=scorer, gate=gate)

    @classmethod
    def ready(
        cls,
        *,
        profile: Profile = "balanced",
        threads: int | None = None,
        gate: bool = True,
        precision: Precision = "fp32",
        device: Device = "cpu",
    ) -> Predictor:
        """Open the model that comes ready; where it is first used, it is built into the cache folder.

        The arguments are those of `load`.

        Raises:
            EncoderError, MissingExtra: a package that building needs is not installed.
        """
        return cls.load(ready_bundle(), profile=profile, threads=threads, gate=gate, precision=precision, device=device)

    def without_gate(self) -> Predictor:
        """The same, scoring every article."""
        return Predictor(self.bundle, profile=self.profile, scorer=self.scorer, gate=False)

    @property
    def threshold(self) -> float:
        """The flag probability from which an article is flagged."""
        return self._decisions.flag[self.profile]

    @property
    def gated(self) -> bool:
        """Whether a gate clears articles before the models read them."""
        return self._gate is not None

    @property
    def job(self) -> dict[str, Any]:
        """All that verdicts depend on besides the articles, as JSON values."""
        return {
            "fimiscope": version("fimiscope"),
            "model": self.bundle.manifest.name,
            "files": {name: entry["sha256"] for name, entry in self.bundle.manifest.files.items()},
            "profile": self.profile,
            "scorer": self.scorer,
            "gate": self.gated,
            "precision": self.bundle.precision,
            "device": self.bundle.device,
        }

    def apart(self) -> list[Predictor]:
        """One predictor for each model that this one blends; empty where it blends none."""
        if self.scorer != "blend":
            return []
        return [
            Predictor(self.bundle, profile=self.profile, scorer=one) for one in self.bundle.scorers if one != "blend"
        ]

    def predict(self, articles: Iterable[Article | Unreadable]) -> Iterator[Verdict]:
        """One verdict per article, in order, read and scored a few at a time."""
        for prepared in self.prepare(articles):
            yield from self.verdicts(prepared)

    def prepare(self, articles: Iterable[Article | Unreadable]) -> Iterator[list[Examined | Unreadable]]:
        """Clean, identify and gate articles, a few at a time; what is left is the models' work."""
        source = iter(articles)
        while chunk := list(islice(source, ARTICLES_AT_A_TIME)):
            opened = iter(self._gated([_opened(item) for item in chunk if isinstance(item, Article)]))
            yield [next(opened) if isinstance(item, Article) else item for item in chunk]

    def verdicts(self, prepared: Sequence[Examined | Unreadable]) -> Iterator[Verdict]:
        """The verdicts on what `prepare` gave, in its order."""
        scored = iter(self._scored([item for item in prepared if isinstance(item, Examined)]))
        for item in prepared:
            yield self.verdict(next(scored)) if isinstance(item, Examined) else self._failed(item)

    def examine(self, articles: Iterable[Article]) -> list[Examined]:
        """Clean, identify, gate and score articles; the order is kept."""
        return self._scored(self._gated([_opened(article) for article in articles]))

    def _scored(self, examined: list[Examined]) -> list[Examined]:
        waiting = [one for one in examined if one.fault is None and not one.cleared]
        texts = [one.document.text for one in waiting if one.document is not None]
        windows = [one.windows for one in waiting if one.windows is not None] if self._gate else None
        scores = iter(self.bundle.score(texts, [one.language for one in waiting], self.scorer, windows))
        return [
            one if one.fault is not None or one.cleared else self._with_scores(one, next(scores)) for one in examined
        ]

    def _gated(self, examined: list[Examined]) -> list[Examined]:
        """The same with the windows that the gate saw, and whether it clears them; without a gate as they are."""
        gate, encoder = self._gate, self.bundle.encoder
        if gate is None or encoder is None:
            return examined
        windows = iter(encoder.cut([one.document.text for one in examined if one.fault is None and one.document]))
        gated = []
        for one in examined:
            if one.fault is None:
                cut = next(windows)
                one = replace(one, windows=cut, cleared=gate.clears(cut, encoder.layout, self.profile))
            gated.append(one)
        return gated

    def verdict(self, examined: Examined) -> Verdict:
        """What the model says about an examined article."""
        article, language, scored = examined.article, examined.language, examined.scored
        if examined.cleared:
            return cleared_verdict(article, language, model=self.bundle.identity)
        if scored is None:
            return failed_verdict(article, language, examined.fault, model=self.bundle.identity)
        verdict = scored_verdict(
            article,
            language,
            scored.probabilities,
            self.bundle.codebook,
            self._decisions,
            profile=self.profile,
            model=self.bundle.identity,
            remarks=_remarks(scored),
        )
        return replace(verdict, evidence=() if verdict.role_label == NO_ROLE else self._evidence(examined, verdict))

    def _with_scores(self, one: Examined, scored: Scored) -> Examined:
        assert one.document is not None
        sentences = self._sentences(one.document.text, scored.reading)
        return replace(one, scored=scored, sentences=sentences)

    def _sentences(self, text: str, reading: Reading | None) -> SentenceScores:
        """How strongly each sentence bears on the scores, by the models that scored."""
        found = []
        if reading is not None:
            found.append(sentences_by_attention(text, reading.tokens, reading.offsets))
        if self.scorer != "encoder":
            assert self.bundle.lexical is not None
            found.append(sentences_by_ngrams(text, self.bundle.lexical, *self.bundle.role_positions()))
        first, *others = found
        return first.averaged_with(others[0]) if others else first

    def _evidence(self, examined: Examined, verdict: Verdict) -> tuple[Evidence, ...]:
        sentences = examined.sentences
        if sentences is None or not sentences.spans:
            return ()
        evidence = [
            self._quote(examined, index, "role", float(sentences.evidence[index]))
            for index in sentences.best(MOST_EVIDENCE)
        ]
        start = self.bundle.slices["narratives"].start
        codes = self.bundle.codebook.narrative_codes
        for code in verdict.narratives_flagged or ():
            pull = np.maximum(sentences.labels[:, start + codes.index(code)], 0)
            if pull.sum() > 0:
                index = int(pull.argmax())
                evidence.append(self._quote(examined, index, code, float(pull[index] / pull.sum())))
        return tuple(evidence)

    def _quote(self, examined: Examined, index: int, head: str, score: float) -> Evidence:
        assert examined.document is not None and examined.sentences is not None
        span = examined.sentences.spans[index]
        field, start, end = examined.document.locate(span.start, span.end)
        source = examined.article.text if field == "text" else examined.article.title or ""
        return Evidence(start, end, source[start:end], head, round(score, 4), field)

    def _failed(self, item: Unreadable) -> Verdict:
        empty = dict.fromkeys(("title", "url", "outlet", "published"))
        return Verdict(item.id, "failed", item.reason, article=empty, model=self.bundle.identity)


def _opened(article: Article) -> Examined:
    """An article cleaned and identified."""
    document = Document.of(article)
    fault = legibility_fault(document.text)
    return Examined(article, identify_language(document.text) if fault is None else None, fault, document)


def _remarks(scored: Scored) -> list[str]:
    reading = scored.reading
    if reading is None or not reading.cut:
        return []
    return [f"read the first {len(reading.windows)} windows; {reading.cut} further tokens were not read"]
