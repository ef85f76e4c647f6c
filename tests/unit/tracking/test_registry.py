"""What of a model card describes a registered version."""

from __future__ import annotations

from fimiscope.tracking.registry import LONGEST_DESCRIPTION, summary_of

WHOLE = "the whole card is card.md of run 1"


def test_a_card_that_fits_is_taken_as_it_is() -> None:
    card = "# Model card: a\n\n**What it is.**\n\nA model.\n\n| a |\n| --- |\n"
    assert summary_of(card, whole=WHOLE) == card.strip()


def test_sections_that_do_not_fit_are_left_out_whole_and_the_reader_is_told() -> None:
    long = "x" * (LONGEST_DESCRIPTION - 200)
    card = f"# Model card: a\n\n**First.**\n\n{long}\n\n**Second.**\n\n{long}\n\n**Third.**\n\nshort\n"
    summary = summary_of(card, whole=WHOLE)
    assert len(summary) <= LONGEST_DESCRIPTION
    assert "**Second.**" not in summary
    assert "**Third.**\n\nshort" in summary
    assert summary.endswith(f"(shortened; {WHOLE})")
    assert len(summary_of("y" * 9000, whole=WHOLE)) <= LONGEST_DESCRIPTION
