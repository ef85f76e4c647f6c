"""What a model says of texts, kept in the cache folder: work that was interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version

from fimiscope.bundle import files
from fimiscope.cache import cache_folder
from fimiscope.checksums import sha256_of_text
from fimiscope.errors import OutputError
from fimiscope.predict.predictor import Predictor
from fimiscope.records import Article


class KnownScores:
    """Flag probability and language of texts by digest, one file for each model; no text is kept.

    Texts that cannot be judged have no probability.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor.without_gate()
        self._file = cache_folder() / "scores" / f"{_model_digest(predictor)}.jsonl"
        self._known: dict[str, tuple[float | None, str | None]] = {}
        if self._file.is_file():
            for line in self._file.read_text(encoding="utf-8").splitlines():
                try:
                    digest, probability, language = json.loads(line)
                except ValueError:
                    # The line that an interrupted call was writing; its text is scored again.
                    continue
                self._known[digest] = probability, language

    def of(self, articles: Sequence[Article]) -> list[tuple[float | None, str | None]]:
        """Flag probability and language of each article; those not known yet are scored and kept.

        Raises:
            OutputError: the cache folder cannot be written.
        """
        digests = [sha256_of_text(f"{article.title or ''}\n{article.text}") for article in articles]
        new = {d: article for d, article in zip(digests, articles, strict=True) if d not in self._known}
        if new:
            found = zip(new, self._predictor.predict(new.values()), strict=True)
            self._keep({digest: (verdict.flag_probability, verdict.language) for digest, verdict in found})
        return [self._known[digest] for digest in digests]

    def _keep(self, found: dict[str, tuple[float | None, str | None]]) -> None:
        self._known |= found
        lines = "".join(f"{json.dumps([digest, *scores])}\n" for digest, scores in found.items())
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                # A line that an interrupted call left half written must not swallow the next.
                file.write(f"\n{lines}")
        except OSError as error:
            raise OutputError(f"{self._file} cannot be written ({error.strerror}): set FIMISCOPE_CACHE") from error


def _model_digest(predictor: Predictor) -> str:
    """Names all that scores depend on: this program, and every file of the bundle but the gate's."""
    listed = predictor.bundle.manifest.files
    parts = [entry["sha256"] for name, entry in sorted(listed.items()) if name not in (files.GATE, files.GATE_WEIGHTS)]
    return hashlib.sha256("".join([version("fimiscope"), predictor.scorer, *parts]).encode()).hexdigest()[:16]
