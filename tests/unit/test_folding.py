"""Making folds: texts that tell the same, and which part each text gets."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.errors import CorpusError
from fimiscope.folding import Definition, close_pairs, fold_parts, make_folds
from fimiscope.records import Article, Labels


def text(number: int, source: str = "wire", outlet: str = "", published: str = "") -> Example:
    article = Article(f"{source}-{number}", f"text {number}", language="en", outlet=outlet, published=published)
    return Example(article, Labels("none", africa=False), source, "train", article.id, 9, 1.0)


def definition(by: str, **fields: object) -> Definition:
    return Definition.model_validate({"holds_out": "some", "by": by} | fields)


def test_a_translation_is_found_although_its_language_lies_elsewhere() -> None:
    random = np.random.default_rng(1)
    told = random.normal(size=(30, 64)).astype(np.float32)
    english, french = told + 3, told[:10] + 0.5 * random.normal(size=(10, 64)).astype(np.float32) - 3
    languages = ["en"] * 30 + ["fr"] * 10
    pairs = close_pairs(np.vstack([english, french]), languages)
    assert set(pairs) == {(number, 30 + number) for number in range(10)}


def test_one_language_asks_for_more_than_two() -> None:
    first = np.eye(1, 40)[0]
    alike = 0.7 * first + np.sqrt(1 - 0.7**2) * np.eye(1, 40, 1)[0]
    rows = np.array([first, alike, -first, -alike], dtype=np.float32)
    assert close_pairs(rows, ["en"] * 4) == []
    around = np.array([first, -first, alike, -alike], dtype=np.float32)
    assert close_pairs(around, ["en", "en", "fr", "fr"]) == [(0, 2), (1, 3)]


def test_a_source_is_tested_on_and_its_near_copies_elsewhere_are_left_out(codebook: Codebook) -> None:
    examples = [text(n, "blog") for n in range(5)] + [text(n) for n in range(40)]
    groups = [example.group for example in examples]
    groups[5] = groups[0]
    parts = fold_parts(examples, groups, definition("source", sources=["blog"]), codebook)
    assert parts[:6] == ["test"] * 5 + ["left out"]
    assert set(parts[6:]) == {"train", "valid"}
    assert Counter(parts[6:])["valid"] == pytest.approx(0.15 * 39, abs=1)


def test_groups_of_the_rest_are_whole(codebook: Codebook) -> None:
    examples = [text(n, "blog") for n in range(5)] + [text(n) for n in range(60)]
    groups = [f"group {n // 3}" for n in range(65)]
    parts = fold_parts(examples, groups, definition("source", sources=["blog"]), codebook)
    of_group = {group: {parts[n] for n in range(6, 65) if groups[n] == group} for group in groups[6:]}
    assert all(len(own) == 1 for own in of_group.values())


def test_whole_accounts_and_the_latest_dates_make_up_the_share(codebook: Codebook) -> None:
    examples = [text(n, outlet=f"account {n % 10}", published=f"2024-05-{1 + n // 4:02}") for n in range(80)]
    groups = [example.group for example in examples]
    accounts = fold_parts(examples, groups, definition("outlet", share=0.3), codebook)
    tested = {example.article.outlet for example, part in zip(examples, accounts, strict=True) if part == "test"}
    assert len(tested) == 3
    assert accounts.count("test") == 24
    dated = fold_parts(examples, groups, definition("date", share=0.5), codebook)
    assert dated[40:] == ["test"] * 40
    assert "test" not in dated[:40]


def test_single_texts_are_drawn_near_copies_regardless(codebook: Codebook) -> None:
    examples = [text(n) for n in range(200)]
    parts = fold_parts(examples, ["one group"] * 200, definition("text", share=0.25), codebook)
    assert parts.count("test") == 50
    assert parts.count("valid") == pytest.approx(0.15 * 150, abs=1)
    assert "left out" not in parts


def test_folds_need_all_texts(codebook: Codebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIMISCOPE_TEXTS", raising=False)
    with pytest.raises(CorpusError, match="fimiscope corpus fetch"):
        make_folds(codebook)
