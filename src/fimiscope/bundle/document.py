"""The string that the model reads of an article, and the way back from it to the article's own characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fimiscope.reading import Cleaned, calm, clean
from fimiscope.records import Article

Field = Literal["text", "title"]
_JOINT = "\n"


@dataclass(frozen=True, slots=True)
class Document:
    """Title and text of an article, cleaned and joined.

    Attributes:
        text: what the model reads; runs of capitals are in small letters.
        title: the cleaned title, or `None` where there is none or the text opens with it anyway.
        body: the cleaned text.
    """

    text: str
    title: Cleaned | None
    body: Cleaned

    @classmethod
    def of(cls, article: Article) -> Document:
        """Clean, calm, and join. Offsets into the article are stable: a title never moves the text's."""
        body = clean(article.text)
        title = clean(article.title) if article.title else None
        if title is None or not title.text or body.text.startswith(title.text):
            return cls(calm(body.text), None, body)
        return cls(calm(title.text) + _JOINT + calm(body.text), title, body)

    @property
    def body_start(self) -> int:
        """Where the cleaned text begins in `self.text`."""
        return 0 if self.title is None else len(self.title.text) + len(_JOINT)

    def locate(self, start: int, end: int) -> tuple[Field, int, int]:
        """Field of the article and half-open offsets into it for characters `start` to `end` of `self.text`.

        A span that reaches over the joint is cut to the text.
        """
        if self.title is not None and end <= self.body_start:
            span = self.title.to_original(start, min(end, len(self.title.text)))
            return "title", span.start, span.end
        span = self.body.to_original(max(0, start - self.body_start), end - self.body_start)
        return "text", span.start, span.end
