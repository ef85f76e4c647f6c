"""Halving a corpus by family: what words and a frozen encoder tell of the role."""

from __future__ import annotations

from pathlib import Path

import pytest

from fimiscope.balancing import ENCODER, MAJORITY, TRAINED, WORDS, Told, told_roles, told_table
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Example
from fimiscope.errors import CorpusError
from fimiscope.records import Article, Labels
from fimiscope.training import adapters
from fimiscope.training.encoders import resolve

SAYINGS = {
    "carries": "praised warmly",
    "reports": "noticed quietly",
    "rebuts": "refuted firmly",
    "none": "sold cheaply",
}
PLACES = ("harbour", "market", "school", "bridge", "council", "garden", "station", "theatre")


def config(**changes: object) -> Config:
    document = {
        "name": "balance",
        "corpus": {"sources": [{"kind": "embedded"}]},
        "lexical": {"words": [1, 1], "characters": [3, 3], "buckets": 2**12},
        "windows": {"size": 32, "overlap": 8},
    }
    return Config.model_validate(document | changes)


def family(place: str, language: str = "en", *, telling: bool = True) -> list[Example]:
    """Four texts of one place, one a role; the saying tells the role, or stands in none of them."""
    examples = []
    for role, saying in SAYINGS.items():
        text = f"At the {place} the bread was {saying if telling else 'there'} on a long day in {place}."
        article = Article(f"{place}-{role}", text, language=language)
        examples.append(Example(article, Labels(role), "letters", "train", place, len(text), 1.0))
    return examples


def by_model(told: tuple[Told, ...], texts: str = "all") -> dict[str, Told]:
    return {one.model: one for one in told if one.texts == texts}


def test_words_that_give_the_role_away_are_found_out(codebook: Codebook) -> None:
    examples = [example for place in PLACES for example in family(place)]
    told = by_model(told_roles(examples, config(), codebook, languages=("en",), halvings=2))
    assert set(told) == {MAJORITY, WORDS}
    assert told[WORDS].accuracy == told[WORDS].macro_f1 == (1.0, 1.0)
    assert told[MAJORITY].accuracy == (0.25, 0.25)
    assert told[MAJORITY].macro_f1 == pytest.approx((0.1, 0.1))
    assert (told[WORDS].articles, told[WORDS].families) == (32, 8)


def test_texts_that_differ_in_nothing_are_told_by_chance(codebook: Codebook) -> None:
    examples = [example for place in PLACES for example in family(place, telling=False)]
    told = by_model(told_roles(examples, config(encoder="tiny"), codebook, languages=("en",), halvings=1))
    assert told[WORDS].accuracy == told[ENCODER].accuracy == (0.25,)


def test_the_languages_of_the_cues_have_a_row_of_their_own(codebook: Codebook) -> None:
    examples = [example for place in PLACES for example in family(place, "sw" if place < "d" else "en")]
    examples += [Example(Article("x", "Unlabelled."), Labels(), "letters", "train", "x", 11, 1.0)]
    told = told_roles(examples, config(), codebook, languages=("en", "fr"), halvings=1)
    assert [(one.texts, one.model, one.articles) for one in told] == [
        *(("en, fr", model, 24) for model in (MAJORITY, WORDS)),
        *(("all", model, 32) for model in (MAJORITY, WORDS)),
    ]
    table = told_table(told)
    assert "(1 random halvings)" in table.title
    assert table.rows[1] == ("en, fr", 24, 6, WORDS, "1.00", "1.00")


def test_the_seed_decides_the_halves(codebook: Codebook) -> None:
    examples = [example for number, place in enumerate(PLACES) for example in family(place, telling=number % 2 == 0)]
    once = told_roles(examples, config(), codebook, languages=("en",), halvings=3)
    other = told_roles(examples, config(seed=14), codebook, languages=("en",), halvings=3)
    assert once == told_roles(examples, config(), codebook, languages=("en",), halvings=3)
    assert once != other


def test_one_family_or_one_role_cannot_be_halved(codebook: Codebook) -> None:
    with pytest.raises(CorpusError, match="takes two of each"):
        told_roles(family("harbour"), config(), codebook, languages=("en",))
    same = [example for place in PLACES for example in family(place)[:1]]
    with pytest.raises(CorpusError, match="takes two of each"):
        told_roles(same, config(), codebook, languages=("en",))


def test_an_encoder_that_has_learned_from_the_texts_cannot_tell_how_hard_they_are(
    codebook: Codebook, tmp_path: Path
) -> None:
    examples = [example for place in PLACES for example in family(place)]
    adapter = adapters.attach(resolve("tiny").model(), 0, 1, "tiny")
    adapters.save(adapter, tmp_path, base="tiny", layers=2, texts=[examples[5].article.text])
    with pytest.raises(CorpusError, match=rf"encoder path:{tmp_path} has learned from these texts"):
        told_roles(examples, config(encoder=f"path:{tmp_path}"), codebook, languages=("en",))


def test_the_encoder_trained_by_the_recipe_answers_once_for_every_text(codebook: Codebook) -> None:
    examples = [example for place in PLACES for example in family(place)]
    recipe = config(encoder="tiny", training={"trainable_layers": 1, "epochs": 1, "head_epochs": 1})
    told = by_model(told_roles(examples, recipe, codebook, languages=("en",), halvings=2, trained=True))
    assert len(told[ENCODER].accuracy) == 2
    assert len(told[TRAINED].accuracy) == 1
    assert told[TRAINED].articles == 32
    assert told_table(tuple(told.values())).rows[-1][-1] == f"{told[TRAINED].macro_f1[0]:.2f}"
