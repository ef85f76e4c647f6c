"""Krippendorff's alpha as in the published examples, and what the table says of fields and codes."""

from __future__ import annotations

import pytest

from fimiscope.codebook import Codebook
from fimiscope.records import Labels
from fimiscope.review.agreement import agreements, alpha
from fimiscope.review.readings import Reading

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), examples A, B and C; a point is a missing value.
BINARY = ("0100000010", "1110010000")
NOMINAL = ("aabbdcccedda", "babbbcccEddd".lower())
MISSING = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


@pytest.mark.parametrize(("observers", "published"), [(BINARY, 0.095), (NOMINAL, 0.692), (MISSING, 0.743)])
def test_alpha_is_that_of_the_published_examples(observers: tuple[str, ...], published: float) -> None:
    units = [[value for value in unit if value != "."] for unit in zip(*observers, strict=True)]
    found = alpha(units)
    assert found is not None
    assert round(found, 3) == published


def test_without_two_values_or_two_readers_there_is_no_alpha() -> None:
    assert alpha([["none", "none"], ["none", "none"]]) is None
    assert alpha([["none"], ["other"]]) is None
    assert alpha([]) is None


def reading(annotator: str, identity: str, role: str, *narratives: str) -> Reading:
    labels = Labels(role=role, actors=(), narratives=narratives, africa=True, evidence=())
    return Reading(annotator, "invented", identity, "0" * 64, "en", labels)


def test_every_field_and_code_has_a_row(codebook: Codebook) -> None:
    none, role = codebook.role_codes[-1], codebook.role_codes[0]
    code, other = codebook.narrative_codes[:2]
    found = agreements(
        [
            *(reading("a", "1", role, code), reading("b", "1", role, code)),
            *(reading("a", "2", role, code), reading("b", "2", none)),
            *(reading("a", "3", none), reading("b", "3", none)),
            reading("a", "4", role, other),
        ],
        codebook,
    )
    rows = {one.field: one for one in found}
    assert list(rows)[:2] == ["role", "africa"]
    assert len(rows) == 2 + len(codebook.actor_codes) + len(codebook.narrative_codes)
    assert (rows["role"].texts, rows["role"].agreed) == (3, 2)
    assert (rows[f"narratives/{code}"].agreed, rows[f"narratives/{code}"].said_yes) == (2, 2)
    assert rows["africa"].alpha is None
    assert rows[f"narratives/{other}"].alpha is None
    # Coincidences of role: 3 and 3 values, 2 unlike pairs of 6; 1 - (2/6) / (2*3*3/(6*5)).
    assert rows["role"].alpha == pytest.approx(1 - (2 / 6) / (18 / 30))
