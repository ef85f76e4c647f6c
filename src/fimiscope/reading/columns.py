"""How the columns of other people's tables become our field names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fimiscope.errors import ReadingError

FIELDS = ("id", "text", "title", "language", "published", "outlet", "url")
_MOST_SHOWN = 20
_LONGEST_SHOWN = 30


class Columns:
    """Our field names for their columns: those that the user gave, the others by name whatever the case."""

    def __init__(self, given: Mapping[str, str] | None = None, needs: Sequence[str] = ("text",)) -> None:
        """Take the user's mapping, our name to their column.

        Raises:
            ReadingError: the mapping names a field that we do not have.
        """
        self._given = dict(given or {})
        self._needs = tuple(needs)
        self._known: dict[tuple[str, ...], dict[str, str]] = {}
        if unknown := sorted(set(self._given) - set(FIELDS)):
            raise ReadingError(
                f"--columns names the fields {', '.join(unknown)}, which do not exist (fields: {', '.join(FIELDS)})"
            )

    def match(self, names: Iterable[str]) -> dict[str, str]:
        """Our field name to the column that holds it, for a table or row with columns `names`."""
        key = tuple(names)
        if key not in self._known:
            if len(self._known) > 1000:
                self._known.clear()
            self._known[key] = self._match(key)
        return self._known[key]

    def complete(self, names: Iterable[str]) -> bool:
        """Whether `names` hold all that is needed and all that the user named."""
        return not self._missing(names)

    def fault(self, names: Sequence[str], place: str) -> str | None:
        """What is wrong with a table whose columns are `names`, in one sentence; `None` when nothing is."""
        twice = [name for name in self.match(names).values() if names.count(name) > 1]
        if twice:
            return f"{place} has the column '{_short(twice[0])}' twice: rename one of them"
        missing = self._missing(names)
        if not missing:
            return None
        lacking = " and ".join(f"'{_short(name)}'" for name in missing)
        shown = ", ".join(_short(name) for name in names[:_MOST_SHOWN]) or "none"
        more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
        return (
            f"{place} has no column {lacking} (columns found: {shown}{more}); "
            "say which column holds what, for example --columns text=Body,title=Headline"
        )

    def _match(self, names: tuple[str, ...]) -> dict[str, str]:
        by_lower = {name.lower(): name for name in reversed(names)}
        found = {}
        for field in FIELDS:
            wanted = self._given.get(field, field)
            theirs = wanted if wanted in names else by_lower.get(wanted.lower())
            if theirs is not None:
                found[field] = theirs
        return found

    def _missing(self, names: Iterable[str]) -> list[str]:
        matched = self.match(names)
        wanted = dict.fromkeys([*self._needs, *self._given])
        return [self._given.get(field, field) for field in wanted if field not in matched]


def _short(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST_SHOWN else f"{name[: _LONGEST_SHOWN - 1]}…"
