"""The codebook: roles, actors, narratives and their definitions, and the layout of the model's outputs that follows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fimiscope.errors import CodebookError
from fimiscope.records import Labels
from fimiscope.shipped import shipped

NO_ROLE = "none"
_KEYS = frozenset({"code", "definition", "name", "flags"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One role, actor or narrative of the codebook, or its africa.

    Attributes:
        definitions: by language; the first is what models and tables read, the others are translations for people.
        name: by language.
    """

    code: str
    definitions: dict[str, str]
    name: dict[str, str]
    flags: bool = False

    @property
    def definition(self) -> str:
        return next(iter(self.definitions.values()))


@dataclass(frozen=True, slots=True)
class Head:
    """One output of the model: `labels` in the order of their logits.

    `softmax` heads choose one label; `sigmoid` heads judge each label by itself.
    """

    name: str
    kind: Literal["softmax", "sigmoid"]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Codebook:
    """A versioned codebook. `roles` stand in order of precedence, with the role `none`; `question` is by language."""

    version: str
    question: dict[str, str]
    roles: tuple[Entry, ...]
    actors: tuple[Entry, ...]
    narratives: tuple[Entry, ...]
    africa: Entry

    @classmethod
    def load(cls, path: Path | str | None = None) -> Codebook:
        """Read a codebook from YAML or JSON; the shipped one when no path is given.

        Raises:
            CodebookError: the file is missing, unreadable, or contradicts itself (all faults in one message).
        """
        source = Path(path) if path is not None else shipped("codebook.yaml")
        try:
            content = source.read_text(encoding="utf-8")
        except OSError as error:
            raise CodebookError(f"codebook {source}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise CodebookError(f"codebook {source} is not UTF-8 text: save it as UTF-8") from error
        document = _parse(content, source)
        return cls.from_dict(document, place=str(source))

    @classmethod
    def from_dict(cls, document: Any, *, place: str = "codebook") -> Codebook:
        """Build a codebook from its parsed document.

        Raises:
            CodebookError: lists every fault found.
        """
        if not isinstance(document, dict):
            raise CodebookError(f"{place}: expected a mapping with version, roles, actors, narratives, africa")
        faults: list[str] = []
        groups: dict[str, tuple[Entry, ...]] = {}
        for group in ("roles", "actors", "narratives"):
            groups[group] = _entries(document.get(group), group, faults)
        version = document.get("version")
        if not isinstance(version, str) or not version:
            faults.append('version: expected text, for example "1.0"')
        africa = document.get("africa")
        definitions = _by_language(africa.get("definition")) if isinstance(africa, dict) else None
        if not definitions:
            faults.append("africa: expected a mapping with a definition")
        question = _by_language(document.get("question", ""))
        if question is None:
            faults.append("question: expected text, or a mapping from languages to texts")
        roles = groups["roles"]
        if roles and [entry.flags for entry in roles if entry.code == NO_ROLE] != [False]:
            faults.append(f"roles: exactly one role must be '{NO_ROLE}', with flags: false")
        if roles and not any(entry.flags for entry in roles):
            faults.append("roles: at least one role must have flags: true")
        if faults:
            raise CodebookError(f"{place} cannot be used:\n  " + "\n  ".join(faults))
        assert definitions
        assert question is not None
        return cls(
            version=str(version),
            question=question,
            roles=roles,
            actors=groups["actors"],
            narratives=groups["narratives"],
            africa=Entry("africa", definitions, {"en": "africa"}),
        )

    def to_dict(self) -> dict[str, Any]:
        """The codebook as a JSON document that `from_dict` reads back."""

        def entries(group: tuple[Entry, ...]) -> list[dict[str, Any]]:
            return [{"code": e.code, "definition": e.definitions, "name": e.name, "flags": e.flags} for e in group]

        return {
            "version": self.version,
            "question": self.question,
            "roles": entries(self.roles),
            "actors": entries(self.actors),
            "narratives": entries(self.narratives),
            "africa": {"definition": self.africa.definitions},
        }

    @property
    def rules(self) -> tuple[object, ...]:
        """What labels follow from, without names and translations: equal for codebooks whose labels compare."""
        question = next(iter(self.question.values()), "")
        groups = (self.roles, self.actors, self.narratives, (self.africa,))
        return self.version, question, *(tuple((e.code, e.definition, e.flags) for e in group) for group in groups)

    @property
    def role_codes(self) -> tuple[str, ...]:
        return tuple(entry.code for entry in self.roles)

    @property
    def actor_codes(self) -> tuple[str, ...]:
        return tuple(entry.code for entry in self.actors)

    @property
    def narrative_codes(self) -> tuple[str, ...]:
        return tuple(entry.code for entry in self.narratives)

    @property
    def flagging_roles(self) -> tuple[str, ...]:
        """Roles that flag a text when Africa is a subject of it."""
        return tuple(entry.code for entry in self.roles if entry.flags)

    def heads(self) -> tuple[Head, ...]:
        """The model's heads in the order of its logits: role, actors, narratives, africa, flag."""
        return (
            Head("role", "softmax", self.role_codes),
            Head("actors", "sigmoid", self.actor_codes),
            Head("narratives", "sigmoid", self.narrative_codes),
            Head("africa", "sigmoid", ("africa",)),
            Head("flag", "sigmoid", ("flag",)),
        )

    def flagged(self, labels: Labels) -> bool | None:
        """Whether labels amount to a flag; `None` where role and africa do not decide it."""
        if labels.role is not None and labels.role not in self.flagging_roles:
            return False
        if labels.africa is False:
            return False
        if labels.role is None or labels.africa is None:
            return None
        return True

    def faults(self, labels: Labels) -> list[str]:
        """What in `labels` this codebook does not know or allow; empty when all is well."""
        faults = []
        if labels.role is not None and labels.role not in self.role_codes:
            faults.append(f"role '{labels.role}' (known: {', '.join(self.role_codes)})")
        for name, codes, known in (
            ("actor", labels.actors, self.actor_codes),
            ("narrative", labels.narratives, self.narrative_codes),
        ):
            unknown = sorted(set(codes or ()) - set(known))
            faults += [f"{name} '{code}' (known: {', '.join(known)})" for code in unknown]
        return faults


def _parse(content: str, source: Path) -> Any:
    if source.suffix == ".json":
        try:
            return json.loads(content)
        except ValueError as error:
            raise CodebookError(f"codebook {source} is not valid JSON: {error}") from error
    import yaml

    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise CodebookError(f"codebook {source} is not valid YAML: {error}") from error


def _entries(rows: Any, group: str, faults: list[str]) -> tuple[Entry, ...]:
    if not isinstance(rows, list) or not rows:
        faults.append(f"{group}: expected a list with at least one entry")
        return ()
    entries: list[Entry] = []
    for number, row in enumerate(rows, start=1):
        definitions = _by_language(row.get("definition")) if isinstance(row, dict) else None
        if not definitions or not isinstance(row.get("code"), str):
            faults.append(f"{group}[{number}]: expected code and definition")
            continue
        if unknown := sorted(str(key) for key in row if key not in _KEYS):
            faults.append(f"{group}[{number}]: unknown key {', '.join(unknown)} (known: {', '.join(sorted(_KEYS))})")
            continue
        name = row.get("name") or {"en": row["code"]}
        if not isinstance(name, dict):
            faults.append(f"{group}[{number}]: expected name as a mapping from languages to words")
            continue
        entries.append(Entry(row["code"], definitions, dict(name), bool(row.get("flags", False))))
    codes = [entry.code for entry in entries]
    faults.extend(f"{group}: '{code}' stands twice" for code in sorted({c for c in codes if codes.count(c) > 1}))
    return tuple(entries)


def _by_language(given: Any) -> dict[str, str] | None:
    """Texts by language; a text alone is taken for English. `None` where it is neither."""
    texts = {"en": given} if isinstance(given, str) else given
    if not isinstance(texts, dict) or not all(isinstance(part, str) for pair in texts.items() for part in pair):
        return None
    return {language: text for language, text in texts.items() if text}
