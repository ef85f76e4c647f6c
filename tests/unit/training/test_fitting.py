"""A whole run: what it needs, and that a failed one leaves the former bundle as it was."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fimiscope.bundle import Bundle, files
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.errors import CorpusError
from fimiscope.predict import Predictor
from fimiscope.records import Article
from fimiscope.training import fit_bundle
from fimiscope.training.fitting import trained_on


@pytest.fixture(scope="module")
def words_alone(tiny_config: Config) -> Config:
    lexical = tiny_config.lexical
    assert lexical is not None
    small = lexical.model_copy(update={"words": (1, 1), "characters": (2, 2), "buckets": 2**10})
    return tiny_config.model_copy(update={"encoder": None, "name": "words", "lexical": small})


def test_a_word_model_needs_no_encoder(
    words_alone: Config, tiny_corpus: Corpus, codebook: Codebook, tmp_path: Path
) -> None:
    manifest = fit_bundle(words_alone, tiny_corpus, codebook, tmp_path / "words")
    bundle = Bundle.load(tmp_path / "words")
    assert bundle.manifest == manifest
    assert bundle.scorers == ("lexical",)
    assert bundle.manifest.encoder is None
    assert bundle.decisions["lexical"].languages == ("en", "fr")
    assert [path.name for path in tmp_path.iterdir()] == ["words"], "no draft, no checkpoint is left"
    text = tiny_corpus.part("test")[0].article.text
    [verdict] = Predictor(bundle).predict([Article("1", text)])
    assert verdict.status in ("scored", "abstained")


def test_equal_runs_give_equal_bundles(
    words_alone: Config, tiny_corpus: Corpus, codebook: Codebook, tmp_path: Path
) -> None:
    one, other = (fit_bundle(words_alone, tiny_corpus, codebook, tmp_path / name) for name in ("one", "other"))
    assert one.version == other.version


def test_a_codebook_of_ones_own_goes_all_the_way(words_alone: Config, tiny_corpus: Corpus, tmp_path: Path) -> None:
    document = Codebook.load().to_dict()
    document["version"] = "2.0-mine"
    bread = {"code": "dear-bread", "definition": "Bread is kept dear."}
    document["narratives"] = [*document["narratives"][:9], bread]
    own = Codebook.from_dict(document)
    examples = tuple(
        replace(
            example, labels=replace(example.labels, narratives=("dear-bread",) if example.labels.narratives else ())
        )
        for example in tiny_corpus.examples
    )
    fit_bundle(words_alone, replace(tiny_corpus, examples=examples), own, tmp_path / "own")
    [verdict] = Predictor.load(tmp_path / "own").predict([tiny_corpus.part("test")[0].article])
    assert verdict.narratives is not None
    assert "dear-bread" in verdict.narratives
    assert verdict.model["codebook"] == "2.0-mine"


@pytest.mark.parametrize("part", ["train", "valid"])
def test_an_empty_part_is_refused(
    words_alone: Config, tiny_corpus: Corpus, codebook: Codebook, tmp_path: Path, part: str
) -> None:
    examples = tuple(example for example in tiny_corpus.examples if example.part != part)
    with pytest.raises(CorpusError, match=f"no texts in its part '{part}'"):
        fit_bundle(words_alone, replace(tiny_corpus, examples=examples), codebook, tmp_path / "words")
    assert list(tmp_path.iterdir()) == []


def test_one_role_alone_is_refused(
    words_alone: Config, tiny_corpus: Corpus, codebook: Codebook, tmp_path: Path
) -> None:
    examples = tuple(example for example in tiny_corpus.examples if example.labels.role == "reports")
    examples = tuple(replace(e, part="valid" if n % 2 else "train") for n, e in enumerate(examples))
    with pytest.raises(CorpusError, match="all training texts have the role 'reports'"):
        fit_bundle(words_alone, replace(tiny_corpus, examples=examples), codebook, tmp_path / "words")


def test_a_broken_run_leaves_the_former_bundle(
    words_alone: Config, tiny_corpus: Corpus, codebook: Codebook, tiny_bundle: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(tiny_bundle, tmp_path / "words"))
    former = files.verify(home)

    def stop(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_bundle(words_alone, tiny_corpus, codebook, home, progress=stop)
    assert files.verify(home) == former
    assert [path.name for path in tmp_path.iterdir()] == ["words"]


def test_the_training_part_is_named_largest_first(tiny_corpus: Corpus) -> None:
    train = tiny_corpus.part("train")
    mixed = [replace(example, source="letters" if n < 3 else "posts") for n, example in enumerate(train)]
    assert trained_on(mixed) == f"posts {len(train) - 3}, letters 3"


def test_thresholds_were_fitted_on_texts_that_were_not_trained_on(tiny_corpus: Corpus) -> None:
    groups = {part: {e.group for e in tiny_corpus.part(part)} for part in ("train", "valid", "test")}
    assert not groups["train"] & groups["valid"]
    assert not groups["train"] & groups["test"]
    assert not groups["valid"] & groups["test"]
