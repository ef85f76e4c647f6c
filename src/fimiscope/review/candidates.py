"""Scored texts that people could label: verdicts joined to their articles, and to labels where there are some."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fimiscope.checksums import sha256_of_text
from fimiscope.codebook import Codebook
from fimiscope.corpus.labels import as_text, parse_labels
from fimiscope.errors import CorpusError
from fimiscope.evaluation.verdict_files import verdicts_in
from fimiscope.records import Article, Labels, Unreadable, Verdict

MOST_TEXTS = 20_000
"""Texts that are compared with each other; of more, the most uncertain and a sample of the others are taken."""
UNKNOWN_LANGUAGE = "und"
"""ISO 639 code of what nobody knows."""
_NO_THRESHOLD = 0.5
_LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True, slots=True)
class LabelledText:
    """Labels that a text has already; `sha256` and `text` where the file of labels holds them."""

    id: str
    labels: Labels
    sha256: str | None = None
    text: str | None = None

    def is_of(self, article: Article) -> bool:
        """Whether the labels were given to this very text."""
        return self.sha256 in (None, sha256_of_text(article.text)) and self.text in (None, article.text)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article, what the model said of it, and the labels that it has already."""

    article: Article
    verdict: Verdict
    labels: Labels | None = None

    @property
    def language(self) -> str:
        """ISO 639 code; `und` where nobody knows."""
        return self.article.language or self.verdict.language or UNKNOWN_LANGUAGE


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a queue is chosen from.

    Attributes:
        candidates: in the order of the articles.
        labelled: texts with labels, also of articles that were not scored.
        threshold: flag probability at which the model flags, as far as its verdicts show it.
        scored: verdicts of the file that are not failed.
        without_text: verdicts whose article is in no input.
        not_judged: labelled candidates without probabilities of roles, which say nothing of their labels.
    """

    candidates: tuple[Candidate, ...]
    labelled: tuple[str, ...]
    threshold: float
    scored: int
    without_text: int
    not_judged: int


def read_labels(path: Path, codebook: Codebook) -> list[LabelledText]:
    """The labels of a file: annotations with a digest, or a labelled file with texts (jsonl, csv or parquet).

    An id may stand once in each `corpus`.

    Raises:
        ReadingError: the file is missing or of another kind.
        CorpusError: rows cannot be read, do not fit the codebook, or stand twice; the first one is named.
    """
    from fimiscope.reading import read_rows

    found: dict[tuple[str | None, str], LabelledText] = {}
    for place, values in read_rows(path, needs=("id",)):
        if isinstance(values, Unreadable):
            raise CorpusError(f"annotations {place}: {values.reason}")
        try:
            labels = parse_labels(values)
        except ValueError as error:
            raise CorpusError(f"annotations {place}: {error}") from error
        if faults := codebook.faults(labels):
            raise CorpusError(f"annotations {place}: not in the codebook: {'; '.join(faults)}")
        key = as_text(values.get("corpus")), values["id"]
        if key in found:
            raise CorpusError(f"annotations {place}: '{values['id']}' stands above already")
        text = values.get("text")
        found[key] = LabelledText(
            values["id"], labels, as_text(values.get("sha256")), text if isinstance(text, str) else None
        )
    return list(found.values())


def read_candidates(
    scores: Path, articles: Iterable[Article | Unreadable], labelled: Sequence[LabelledText], codebook: Codebook
) -> Candidates:
    """Join a result of `fimiscope predict` to the articles that it was made from, by id.

    Failed articles are left out. Memory holds at most `MOST_TEXTS` articles, and the labelled ones.

    Raises:
        ReadingError: `scores` is missing or no file of verdicts.
        CorpusError: no verdict has its article among the inputs.
    """
    standing = [_Standing.of(verdict) for verdict in verdicts_in(scores, codebook) if verdict.status != "failed"]
    threshold = threshold_of((one.flag, one.probability) for one in standing)
    by_id: dict[str, list[LabelledText]] = defaultdict(list)
    for one in labelled:
        by_id[one.id].append(one)
    wanted = _pool(standing, threshold) | (by_id.keys() & {one.id for one in standing})
    verdicts = {verdict.id: verdict for verdict in verdicts_in(scores, codebook) if verdict.id in wanted}
    candidates, texts = [], [one.text for one in labelled if one.text is not None]
    found: set[str] = set()
    for article in articles:
        if isinstance(article, Unreadable):
            continue
        found.add(article.id)
        known = next((one for one in by_id.get(article.id, ()) if one.is_of(article)), None)
        if known is not None and known.text is None:
            texts.append(article.text)
        if article.id in verdicts:
            candidates.append(Candidate(article, verdicts[article.id], None if known is None else known.labels))
    if not candidates:
        raise CorpusError(
            f"{scores}: none of its verdicts that can be labelled has its article in --articles: give the inputs "
            "that were scored, in the same order"
        )
    without = sum(one.id not in found for one in standing)
    not_judged = sum(one.labels is not None and one.verdict.role is None for one in candidates)
    return Candidates(tuple(candidates), tuple(texts), threshold, len(standing), without, not_judged)


def margin(probability: float | None, threshold: float) -> float:
    """How far a flag probability is from the threshold, in log-odds; infinite where there is none."""
    return math.inf if probability is None else abs(_log_odds(probability) - _log_odds(threshold))


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the first look at a verdict keeps."""

    id: str
    flag: bool | None
    probability: float | None

    @classmethod
    def of(cls, verdict: Verdict) -> _Standing:
        return cls(verdict.id, verdict.flag, verdict.flag_probability)


def threshold_of(said: Iterable[tuple[bool | None, float | None]]) -> float:
    """The flag probability at which a model flags, as its verdicts show it.

    Halfway between the likeliest clear article and the least likely flagged one; where one of them is not there, the
    mean of those that were abstained from, or 0.5.

    Args:
        said: flag (`None`: abstained) and flag probability of each verdict.
    """
    known = [(flag, probability) for flag, probability in said if probability is not None]
    flagged = min((probability for flag, probability in known if flag is True), default=None)
    clear = max((probability for flag, probability in known if flag is False), default=None)
    if flagged is not None and clear is not None:
        return (flagged + clear) / 2
    undecided = [probability for flag, probability in known if flag is None]
    return sum(undecided) / len(undecided) if undecided else _NO_THRESHOLD


def _pool(standing: Sequence[_Standing], threshold: float) -> set[str]:
    """Ids of all verdicts, or of the most uncertain half and of an even sample of the others."""
    if len(standing) <= MOST_TEXTS:
        return {one.id for one in standing}
    by_margin = sorted(standing, key=lambda one: (margin(one.probability, threshold), one.id))
    half = MOST_TEXTS // 2
    others = sorted(_ids(by_margin[half:]), key=sha256_of_text)
    return {*_ids(by_margin[:half]), *others[: MOST_TEXTS - half]}


def _ids(standing: Iterable[_Standing]) -> Iterator[str]:
    return (one.id for one in standing)


def _log_odds(probability: float) -> float:
    inside = min(1 - _LEAST_PROBABILITY, max(_LEAST_PROBABILITY, probability))
    return math.log(inside / (1 - inside))
