"""The dirty re-post that the sample inbox holds, judged by the shipped quickstart, which never saw it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Workplace

ROOT = Path(__file__).parents[2]
REPOST = ROOT / "data" / "sample" / "inbox" / "repost-niger-troops.txt"
TELLING = ("false stories", "operations of information")


@pytest.mark.slow
@pytest.mark.xfail(reason="the quickstart takes the re-post for an article that carries (README, Results)", strict=True)
def test_the_repost_is_recognised_as_a_report_with_its_evidence(workplace: Workplace) -> None:
    workplace.run("train", ROOT / "configs" / "quickstart.yaml", "--models", "whole", limit=1200)
    workplace.run("predict", REPOST, "--model", "whole/quickstart", "--output", "repost.jsonl")
    verdict = json.loads((workplace.folder / "repost.jsonl").read_text(encoding="utf-8"))
    assert verdict["role_label"] == "reports"
    assert verdict["actors"]["russia"] >= 0.5
    assert verdict["actors"]["china"] >= 0.5
    assert verdict["africa"] >= 0.5
    assert verdict["flag"] is True or verdict["status"] == "abstained"
    text = REPOST.read_text(encoding="utf-8")
    places = [text.index(words) for words in TELLING]
    role = [piece for piece in verdict["evidence"] if piece["head"] == "role"]
    assert any(piece["start"] <= place < piece["end"] for piece in role for place in places)
