"""From the sources of a config to a corpus: read, check, clear of copies, group, split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from fimiscope.checksums import short_digest
from fimiscope.codebook import Codebook
from fimiscope.config import AnnotatedSource, CorpusConfig, EmbeddedSource, LabelledSource
from fimiscope.corpus.annotated import annotated_records
from fimiscope.corpus.examples import Corpus, Drops, Example, Part, Record, digest
from fimiscope.corpus.labelled import labelled_records, with_languages
from fimiscope.corpus.near_copies import groups as groups_of
from fimiscope.corpus.splitting import Rule, split
from fimiscope.errors import CorpusError
from fimiscope.records import Labels
from fimiscope.shipped import shipped

EMBEDDED = "embedded"
MOST_WEIGHT = 4.0


def build(
    config: CorpusConfig,
    codebook: Codebook,
    *,
    seed: int,
    learned: frozenset[str] = frozenset(),
    progress: Callable[[str], None] | None = None,
) -> Corpus:
    """Read, check, clear of copies, group and split all sources of a config.

    The result depends on the texts, their labels, the config and the seed alone, not on the machine or on the order
    of rows in the files. An id that an earlier source has already becomes `<source>:<id>`.

    Args:
        learned: short digests of texts that the encoder has learned from already: with their groups they stay in
            the training part, where groups are held out at random.
        progress: gets a line of text for each step.

    Raises:
        CorpusError: a source cannot be joined or split, nothing usable is left, or nothing is left to learn from.
        ReadingError: a labelled file is missing or in no known form.
    """
    say = progress or (lambda _: None)
    drops = Drops()
    records: list[Record] = []
    rules: dict[str, Rule] = {}
    for number, source in enumerate(config.sources):
        found = sorted(_read(source, codebook, drops, say), key=lambda record: (record.source, record.article.id))
        names = sorted({record.source for record in found})
        if taken := [name for name in names if name in rules]:
            raise CorpusError(f"two sources are named {', '.join(taken)}: rename one file, or take one source out")
        rules |= {name: _rule(source, name, number) for name in names}
        records += found
    if not records:
        raise CorpusError(f"no source holds a labelled text ({drops.summary() or 'the files have no rows'})")
    records = _distinct_ids(with_languages(_without_copies(records, drops)))
    say(f"{len(records)} texts: looking for near-copies")
    groups = groups_of(records, config.near_copy)
    flagged = [codebook.flagged(record.labels) is True for record in records]
    known = {g for r, g in zip(records, groups, strict=True) if learned and short_digest(r.article.text) in learned}
    parts = split(records, groups, flagged, rules, seed=seed, learned=known)
    if "train" not in parts:
        raise CorpusError(
            "every text is held out: lower hold_out, or add texts, so that something is left to learn from"
        )
    weights = _weights(records, parts, config.low_confidence_weight)
    examples = tuple(
        Example(r.article, r.labels, r.source, part, group, r.labelled_to, weight)
        for r, part, group, weight in zip(records, parts, groups, weights, strict=True)
    )
    say(
        f"{len(set(groups))} groups; " + ", ".join(f"{parts.count(part)} {part}" for part in ("train", "valid", "test"))
    )
    return Corpus(examples, drops.collected(), digest(examples), codebook)


def _read(
    source: EmbeddedSource | AnnotatedSource | LabelledSource,
    codebook: Codebook,
    drops: Drops,
    say: Callable[[str], None],
) -> list[Record]:
    if isinstance(source, AnnotatedSource):
        return list(annotated_records(source, codebook, drops, say))
    if isinstance(source, LabelledSource):
        path, columns, name = Path(source.path).expanduser(), source.columns, source.path.stem
    else:
        path, columns, name = shipped("sample/corpus.jsonl"), {}, EMBEDDED
    records = list(labelled_records(path, columns, codebook, drops, source=name))
    say(f"{len(records)} labelled texts in {path}")
    return records


def _rule(source: EmbeddedSource | AnnotatedSource | LabelledSource, name: str, number: int) -> Rule:
    if isinstance(source, AnnotatedSource) and name in source.latest:
        return Rule("date", source.hold_out, name)
    if isinstance(source, AnnotatedSource) and name in source.outlets:
        return Rule("outlet", source.hold_out, f"outlets of source {number}")
    return Rule("group", source.hold_out, name)


def _without_copies(records: Sequence[Record], drops: Drops) -> list[Record]:
    """One record of each text of a source. Where its copies are labelled otherwise, it counts as unsure."""
    copies: dict[tuple[str, str | None, str], list[Record]] = defaultdict(list)
    for record in records:
        copies[record.source, record.article.title, record.article.text].append(record)
    kept = []
    for first, *others in copies.values():
        differing = [other for other in others if _said(other.labels) != _said(first.labels)]
        for other in others:
            reason = "same text as another, labelled otherwise" if other in differing else "same text as another"
            drops.add(other.source, reason, other.article.id)
        kept.append(replace(first, labels=replace(first.labels, confidence="low")) if differing else first)
    return kept


def _weights(records: Sequence[Record], parts: Sequence[Part], unsure: float) -> list[float]:
    """What each text counts: `unsure` with a label of low confidence, and invented texts of the training part so that
    their roles are as frequent as in the real ones.

    The invented texts are mostly flagged, because contrast families are: unweighted, their plain style would itself
    speak for a flag. Each of them weighs P(role | real) / P(role | invented), `MOST_WEIGHT` times more or less at
    most, so that the role does not depend on who wrote a text (reweighing: Kamiran and Calders 2012). In a corpus of
    invented texts alone they weigh alike.
    """
    learned = [r for r, part in zip(records, parts, strict=True) if part == "train" and r.labels.role is not None]
    invented = Counter(record.labels.role for record in learned if record.invented)
    real = Counter(record.labels.role for record in learned if not record.invented)
    ratio = {role: real[role] * invented.total() / (max(1, real.total()) * count) for role, count in invented.items()}
    factor = {role: min(MOST_WEIGHT, max(1 / MOST_WEIGHT, value)) for role, value in ratio.items()} if real else {}
    return [
        (unsure if record.labels.confidence == "low" else 1.0)
        * (factor.get(record.labels.role, 1.0) if record.invented and part == "train" else 1.0)
        for record, part in zip(records, parts, strict=True)
    ]


def _said(labels: Labels) -> tuple[object, ...]:
    """What labels say of a text, whatever the order of codes, the evidence chosen and the confidence."""
    sets = (None if codes is None else frozenset(codes) for codes in (labels.actors, labels.narratives))
    return (labels.role, labels.africa, *sets)


def _distinct_ids(records: Iterable[Record]) -> list[Record]:
    seen: set[str] = set()
    distinct = []
    for record in records:
        if record.article.id in seen:
            record = replace(record, article=replace(record.article, id=f"{record.source}:{record.article.id}"))
        seen.add(record.article.id)
        distinct.append(record)
    return distinct
