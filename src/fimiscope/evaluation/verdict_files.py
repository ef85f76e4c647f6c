"""Verdicts that stand in a file, ours or anybody's, joined to labelled articles by id.

`docs/formats.md` describes what such a file holds. Only id, role label and flag probability are needed; what else is
not there is not measured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.corpus.labels import as_text, yes_or_no
from fimiscope.errors import CorpusError, ReadingError
from fimiscope.evaluation.judged import LIKELY
from fimiscope.records import Evidence, Unreadable, Verdict

_NEEDED = ("role_label", "flag_probability")
_STATUSES = ("scored", "abstained", "failed")
# What `predict` puts before a cell that a spreadsheet would run.
_GUARDED = re.compile(r"\A'(?=[=+\-@\t\r])")
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class VerdictFile:
    """Verdicts by article id, in the order of the file; `name` is the file's name without its ending."""

    name: str
    verdicts: dict[str, Verdict]

    @classmethod
    def read(cls, path: Path, codebook: Codebook) -> VerdictFile:
        """Read jsonl, csv or parquet, as `fimiscope predict` writes it or with fewer columns.

        Raises:
            ReadingError: the file is missing, of another kind, or holds rows that are no verdicts.
        """
        return cls(path.stem, {verdict.id: verdict for verdict in verdicts_in(path, codebook)})

    def join(self, examples: Sequence[Example]) -> tuple[list[Verdict], list[str]]:
        """One verdict for each article, in order, and remarks on what does not match.

        An article without a verdict counts as failed.

        Raises:
            CorpusError: no id of the file is that of an article.
        """
        ids = [example.article.id for example in examples]
        lacking = [identity for identity in ids if identity not in self.verdicts]
        unknown = sorted(self.verdicts.keys() - set(ids))
        if len(lacking) == len(ids):
            raise CorpusError(
                f"verdicts {self.name}: none of its {len(self.verdicts)} ids is in DATA (it has {_first(unknown)}; "
                f"DATA has {_first(ids)})"
            )
        remarks = []
        if lacking:
            remarks.append(
                f"{self.name}: articles without a verdict, counted as failed: {len(lacking)} of {len(ids)} "
                f"({_first(lacking)})"
            )
        if unknown:
            remarks.append(
                f"{self.name}: verdicts on no article of DATA, passed over: {len(unknown)} ({_first(unknown)})"
            )
        absent = [Verdict(identity, "failed", "no verdict in the file") for identity in lacking]
        found = self.verdicts | {verdict.id: verdict for verdict in absent}
        return [found[identity] for identity in ids], remarks


def verdicts_in(path: Path, codebook: Codebook) -> Iterator[Verdict]:
    """The verdicts of a jsonl, csv or parquet file in its order; memory holds their ids alone.

    Raises:
        ReadingError: at once, the file is missing or of another kind; at its end, it holds rows that are no verdicts.
    """
    from fimiscope.reading import read_rows

    return _checked(path, read_rows(path, needs=("id",)), codebook)


def _checked(
    path: Path, rows: Iterator[tuple[str, dict[str, Any] | Unreadable]], codebook: Codebook
) -> Iterator[Verdict]:
    faults: list[str] = []
    seen: set[str] = set()
    ids: set[str] = set()
    for place, values in rows:
        if isinstance(values, Unreadable):
            faults.append(f"{place}: {values.reason}")
            continue
        seen |= values.keys()
        identity = _GUARDED.sub("", values["id"], count=1) if path.suffix.lower() == ".csv" else values["id"]
        if identity in ids:
            faults.append(f"{place}: id '{identity}' stands above already")
            continue
        ids.add(identity)
        try:
            yield _verdict(identity, values, codebook)
        except ValueError as error:
            faults.append(f"{place}: {error}")
    if missing := [name for name in _NEEDED if name not in seen]:
        raise ReadingError(
            f"{path} has no column {' and '.join(missing)}: a file of verdicts needs id, {', '.join(_NEEDED)}"
        )
    if faults:
        raise ReadingError(f"{path} holds rows that are no verdicts: {_first(faults, '; ')}")


def _verdict(identity: str, values: Mapping[str, Any], codebook: Codebook) -> Verdict:
    label, probability = as_text(values.get("role_label")), _score(values.get("flag_probability"), "flag_probability")
    status = as_text(values.get("status")) or ("scored" if label or probability is not None else "failed")
    language = as_text(values.get("language"))
    if status not in _STATUSES:
        raise ValueError(f"status '{status}' is none of {', '.join(_STATUSES)}")
    if status == "failed":
        return Verdict(identity, "failed", as_text(values.get("reason")), language=language)
    if yes_or_no(values.get("gate"), "gate"):
        return Verdict(identity, "scored", as_text(values.get("reason")), flag=False, language=language, gate=True)
    if label not in codebook.role_codes:
        raise ValueError(f"role_label '{label or ''}' is none of {', '.join(codebook.role_codes)}")
    if probability is None:
        raise ValueError("flag_probability is empty")
    flag = yes_or_no(values.get("flag"), "flag")
    narratives = _scores(values, "narratives", "narrative_", codebook.narrative_codes)
    return Verdict(
        id=identity,
        status="abstained" if status == "abstained" else "scored",
        reason=as_text(values.get("reason")),
        flag=None if status == "abstained" else probability >= LIKELY if flag is None else flag,
        flag_probability=probability,
        role=_role(values, codebook),
        role_label=label,
        actors=_scores(values, "actors", "actor_", codebook.actor_codes),
        narratives=narratives,
        narratives_flagged=_flagged(values, narratives, codebook),
        africa=_score(values.get("africa"), "africa"),
        evidence=_evidence(values),
        language=language,
    )


def _scores(values: Mapping[str, Any], name: str, prefix: str, codes: Sequence[str]) -> dict[str, float] | None:
    """Probabilities by code: one object, or a column for each code; `None` where neither is there."""
    given = _parsed(values.get(name), name)
    if given is None:
        given = {code: values.get(f"{prefix}{code}") for code in codes}
    if not isinstance(given, dict):
        raise ValueError(f"{name} is no object of probabilities")
    scores = {code: _score(given.get(code), f"{name} {code}") for code in codes}
    found = {code: score for code, score in scores.items() if score is not None}
    return found or None


def _role(values: Mapping[str, Any], codebook: Codebook) -> dict[str, float] | None:
    """Probabilities of the roles; a column `role` that holds a label, as other tools write it, is none of them."""
    if isinstance(given := values.get("role"), str) and not given.lstrip().startswith("{"):
        values = {name: value for name, value in values.items() if name != "role"}
    return _scores(values, "role", "role_", codebook.role_codes)


def _flagged(
    values: Mapping[str, Any], narratives: Mapping[str, float] | None, codebook: Codebook
) -> tuple[str, ...] | None:
    if "narratives_flagged" not in values:
        return None if narratives is None else tuple(code for code, score in narratives.items() if score >= LIKELY)
    given = values["narratives_flagged"]
    if isinstance(given, str) and not given.lstrip().startswith("["):
        given = [code.strip() for code in given.split(";") if code.strip()]
    codes = _parsed(given, "narratives_flagged")
    if codes is None and narratives is None:
        return None
    codes = codes or []
    if not isinstance(codes, list) or not all(code in codebook.narrative_codes for code in codes):
        raise ValueError("narratives_flagged is no list of narratives of the codebook")
    return tuple(codes)


def _evidence(values: Mapping[str, Any]) -> tuple[Evidence, ...] | None:
    """The spans of `evidence`, or of the columns `evidence_start_1` … and `evidence_more`; `None` where all are
    empty."""
    pieces = _parsed(values.get("evidence"), "evidence")
    if pieces is None:
        pieces = [*_pieces(values), *(_parsed(values.get("evidence_more"), "evidence_more") or [])] or None
    if pieces is None:
        return None
    try:
        return tuple(
            Evidence(
                start=_whole(piece["start"]),
                end=_whole(piece["end"]),
                text=str(piece.get("text") or ""),
                head=str(piece.get("head") or "role"),
                score=float(piece.get("score") or 0.0),
                field="title" if piece.get("field") == "title" else "text",
            )
            for piece in pieces
        )
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ValueError('evidence is no list of {"start": …, "end": …}') from error


def _whole(value: Any) -> int:
    """A number of characters; tables write 12 as 12.0 where a cell of the column is empty."""
    number = float(value)
    if not number.is_integer():
        raise ValueError(f"{value} is no whole number")
    return int(number)


def _pieces(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    number = 1
    while as_text(values.get(f"evidence_start_{number}")) is not None:
        names = ("start", "end", "head", "score", "field")
        yield {name: as_text(values.get(f"evidence_{name}_{number}")) for name in names}
        number += 1


def _score(value: Any, name: str) -> float | None:
    text = as_text(value)
    if text is None:
        return None
    try:
        score = float(text)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise ValueError(f"{name} '{text[:20]}' is no number from 0 to 1")
    return score


def _parsed(value: Any, name: str) -> Any:
    """A list or object as it is, or from its JSON; `None` for an empty cell."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except ValueError as error:
        raise ValueError(f"{name} is no JSON") from error


def _first(items: Sequence[str], between: str = ", ") -> str:
    more = len(items) - _MOST_NAMED
    return between.join(items[:_MOST_NAMED]) + (f"{between}and {more} more" if more > 0 else "")
