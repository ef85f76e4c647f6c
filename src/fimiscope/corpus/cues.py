"""Cue words: whether the role of a text can be told from one word in it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fimiscope.codebook import Codebook
from fimiscope.corpus.examples import Example
from fimiscope.errors import ConfigError
from fimiscope.shipped import shipped
from fimiscope.tables import Cell, Table
from fimiscope.yaml_files import read_yaml

MARK = "*"
ANY_TEXT = "(any text)"
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Cue:
    """A name, and for each language the expression that finds the cue in a folded text."""

    name: str
    patterns: dict[str, re.Pattern[str]]


@dataclass(frozen=True, slots=True)
class Cues:
    """A list of cues, and when one of them tells a role by itself.

    Attributes:
        limit: share of the texts with a cue above which their commonest role counts as told, 0.5 to 1.
        least: texts that must hold the cue for that.
        languages: for which the list has patterns, in its order.
    """

    limit: float
    least: int
    cues: tuple[Cue, ...]
    languages: tuple[str, ...]

    @classmethod
    def load(cls, path: Path | str | None = None) -> Cues:
        """Read a list of cues from YAML; the shipped one when no path is given.

        Raises:
            ConfigError: the file is missing, unreadable, or has rows that cannot be used (all faults in one message).
        """
        source = Path(path) if path is not None else shipped("cues.yaml")
        document = read_yaml(source, "cues", ConfigError)
        if not isinstance(document, dict):
            raise ConfigError(f"cues {source}: expected a mapping with limit, least and cues")
        faults: list[str] = []
        limit, least = document.get("limit"), document.get("least")
        if not isinstance(limit, float) or not 0.5 <= limit < 1:
            faults.append("limit: expected a share from 0.5 to below 1")
        if not isinstance(least, int) or least < 1:
            faults.append("least: expected a count from 1 on")
        cues = _cues(document.get("cues"), faults)
        if faults:
            raise ConfigError(f"cues {source} cannot be used:\n  " + "\n  ".join(faults))
        languages = tuple(dict.fromkeys(language for cue in cues for language in cue.patterns))
        return cls(float(limit or 0), int(least or 0), cues, languages)


@dataclass(frozen=True, slots=True)
class CueCount:
    """How the texts of one language that hold a cue are shared out among the roles.

    Attributes:
        texts: how many hold it.
        roles: role code to its share of them, 0 to 1; empty where no text holds the cue.
        most: the role with the largest share; empty where no text holds the cue.
        above: that share less the role's share of all texts of the language, -1 to 1.
        tells: whether the cue tells this role by itself.
    """

    cue: str
    language: str
    texts: int
    roles: dict[str, float]
    most: str
    above: float
    tells: bool


def count_cues(examples: Sequence[Example], cues: Cues, codebook: Codebook) -> tuple[CueCount, ...]:
    """Every cue in every language of the list that the examples are in, and before them all texts of the language.

    Texts are read as a model reads them, title and cleaned body. Texts without a role are left out.
    """
    texts = _texts(examples, cues.languages)
    every = [_counted(ANY_TEXT, language, roles, roles, cues, codebook) for language, (_, roles) in texts.items()]
    return tuple(every) + tuple(
        _counted(
            cue.name,
            language,
            [role for text, role in zip(bodies, roles, strict=True) if cue.patterns[language].search(text)],
            roles,
            cues,
            codebook,
        )
        for cue in cues.cues
        for language, (bodies, roles) in texts.items()
        if language in cue.patterns
    )


def telling_words(examples: Sequence[Example], cues: Cues, codebook: Codebook) -> tuple[CueCount, ...]:
    """Whatever single words, on the list or not, tell a role by themselves; those in most texts first."""
    found: list[CueCount] = []
    for language, (bodies, roles) in _texts(examples, cues.languages).items():
        holders: dict[str, list[str]] = defaultdict(list)
        for text, role in zip(bodies, roles, strict=True):
            for word in set(_WORD.findall(text)):
                holders[word].append(role)
        counts = (_counted(word, language, held, roles, cues, codebook) for word, held in sorted(holders.items()))
        found += [count for count in counts if count.tells]
    return tuple(sorted(found, key=lambda count: -count.texts))


def cue_table(counts: Sequence[CueCount], codebook: Codebook, *, title: str) -> Table:
    """Shares per role in per cent; in the last column the commonest role, its share, and its distance from the base
    rate in points, with `MARK` where the cue tells the role by itself."""
    rows: list[tuple[Cell, ...]] = []
    for count in counts:
        shares = [round(100 * count.roles[role]) if count.texts else "" for role in codebook.role_codes]
        most = (
            f"{count.most} {100 * count.roles[count.most]:.0f} ({round(100 * count.above):+d})" if count.texts else ""
        )
        rows.append((count.cue, count.language, count.texts, *shares, most + (f" {MARK}" if count.tells else "")))
    return Table(title, ("cue", "language", "texts", *codebook.role_codes, "most"), tuple(rows))


def _cues(rows: Any, faults: list[str]) -> tuple[Cue, ...]:
    if not isinstance(rows, list) or not rows:
        faults.append("cues: expected a list with at least one cue")
        return ()
    cues = []
    for number, row in enumerate(rows, start=1):
        named = isinstance(row, dict) and isinstance(row.get("cue"), str)
        languages = {key: value for key, value in row.items() if key != "cue"} if named else {}
        if not languages or not all(_are_words(patterns) for patterns in languages.values()):
            faults.append(f"cues[{number}]: expected cue, and for each language a list of words in quotation marks")
            continue
        cues.append(Cue(row["cue"], {language: _expression(words) for language, words in languages.items()}))
    names = Counter(cue.name for cue in cues)
    faults.extend(f"cues: '{name}' stands twice" for name, times in names.items() if times > 1)
    return tuple(cues)


def _are_words(patterns: Any) -> bool:
    return (
        isinstance(patterns, list)
        and bool(patterns)
        and all(isinstance(one, str) and one.strip(" *") for one in patterns)
    )


def _expression(patterns: Iterable[str]) -> re.Pattern[str]:
    alternatives = []
    for pattern in patterns:
        words = _folded(pattern.rstrip("*"))
        start = r"(?<!\w)" if words[0].isalpha() else ""
        end = "" if pattern.endswith("*") or not words[-1].isalpha() else r"(?!\w)"
        alternatives.append(start + r"\s+".join(map(re.escape, words.split())) + end)
    return re.compile("|".join(alternatives))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'")


def _texts(examples: Sequence[Example], languages: Sequence[str]) -> dict[str, tuple[list[str], list[str]]]:
    """Folded texts and their roles, of each of the languages that occurs."""
    texts: dict[str, tuple[list[str], list[str]]] = {}
    for language in languages:
        spoken = [e for e in examples if e.article.language == language and e.labels.role is not None]
        if spoken:
            bodies = [_folded(example.document().text) for example in spoken]
            texts[language] = bodies, [str(example.labels.role) for example in spoken]
    return texts


def _counted(
    name: str, language: str, held: Sequence[str], all_roles: Sequence[str], cues: Cues, codebook: Codebook
) -> CueCount:
    if not held:
        return CueCount(name, language, 0, {}, "", 0.0, False)
    shares = {role: held.count(role) / len(held) for role in codebook.role_codes}
    most = max(shares, key=lambda role: shares[role])
    base = all_roles.count(most) / len(all_roles)
    tells = len(held) >= cues.least and shares[most] > cues.limit
    return CueCount(name, language, len(held), shares, most, shares[most] - base, tells)
