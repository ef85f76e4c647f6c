"""Short invented texts in which one saying tells the role and one place tells Africa."""

from __future__ import annotations

import pytest

from fimiscope.corpus import Example
from fimiscope.records import Article, Labels

SAYINGS = {
    "carries": "praised warmly",
    "reports": "noticed quietly",
    "rebuts": "refuted firmly",
    "none": "sold cheaply",
}
PLACES = {"the harbour of Lagos": True, "the market of Lagos": True, "the school of Oslo": False, "Oslo": False}


def says(text: str, role: str | None, africa: bool | None, name: str) -> Example:
    labels = Labels(role, actors=(), narratives=(), africa=africa)
    return Example(Article(name, text, language="en"), labels, "letters", "train", name, len(text), 1.0)


@pytest.fixture(scope="session")
def sayings() -> list[Example]:
    return [
        says(f"At {place} the bread was {saying}, and again {saying}.", role, africa, f"{place} {role} {turn}")
        for turn in range(3)
        for place, africa in PLACES.items()
        for role, saying in SAYINGS.items()
    ]
