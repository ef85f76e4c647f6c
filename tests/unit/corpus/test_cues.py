"""Cue words: the list, how cues are found in texts, and how the embedded corpus fares."""

from __future__ import annotations

from pathlib import Path

import pytest

from fimiscope.codebook import Codebook
from fimiscope.config import CorpusConfig
from fimiscope.corpus import Example, build
from fimiscope.corpus.cues import ANY_TEXT, MARK, CueCount, Cues, count_cues, cue_table, telling_words
from fimiscope.errors import ConfigError
from fimiscope.records import Article, Labels

LIST = """
limit: 0.7
least: 2
cues:
  - {cue: tea, en: ["tea", "cup of *"], fr: ["thé", "d'après*"]}
  - {cue: question, en: ["?"]}
  - {cue: never there, en: ["zebra"], fr: ["zèbre"]}
"""


def example(text: str, role: str | None, language: str = "en", title: str | None = None) -> Example:
    article = Article(text, text, title=title, language=language)
    return Example(article, Labels(role), "letters", "train", text, len(text), 1.0)


@pytest.fixture
def cues(tmp_path: Path) -> Cues:
    path = tmp_path / "cues.yaml"
    path.write_text(LIST, encoding="utf-8")
    return Cues.load(path)


def counted(examples: list[Example], cues: Cues, codebook: Codebook) -> dict[tuple[str, str], CueCount]:
    return {(count.cue, count.language): count for count in count_cues(examples, cues, codebook)}


def test_a_cue_is_a_whole_word_in_any_case_and_a_star_any_ending(cues: Cues, codebook: Codebook) -> None:
    examples = [
        example("The TEA is here.", "carries"),
        example("A team came by.", "carries"),
        example("One cup  of\nwater stood there.", "none"),
        example("Steam rose.", "none", title="Tea at noon"),
        example("Du Thé pour tous, d’après-midi.", "none", "fr"),
        example("Des théories.", "none", "fr"),
        example("Tea in another language.", "none", "sw"),
        example("Tea without a role.", None),
    ]
    found = counted(examples, cues, codebook)
    assert found["tea", "en"].texts == 3
    assert found["tea", "fr"].texts == 1
    assert found[ANY_TEXT, "en"].texts == 4
    assert {language for _, language in found} == {"en", "fr"}


def test_a_sign_is_found_beside_letters_and_in_its_language_alone(cues: Cues, codebook: Codebook) -> None:
    examples = [example("Who came?", "none"), example("Nobody.", "none"), example("Qui ?", "none", "fr")]
    found = counted(examples, cues, codebook)
    assert found["question", "en"].texts == 1
    assert ("question", "fr") not in found


def test_shares_the_commonest_role_and_its_distance_from_the_base_rate(cues: Cues, codebook: Codebook) -> None:
    roles = ["carries", "carries", "carries", "none"]
    examples = [example(f"Tea for {number}.", role) for number, role in enumerate(roles)]
    examples += [example(f"Water for {number}.", "none") for number in range(4)]
    found = counted(examples, cues, codebook)
    tea = found["tea", "en"]
    assert tea.roles == {"rebuts": 0, "reports": 0, "carries": 0.75, "none": 0.25}
    assert (tea.most, tea.above, tea.tells) == ("carries", 0.375, True)
    assert not found[ANY_TEXT, "en"].tells
    assert (found["never there", "en"].texts, found["never there", "en"].tells) == (0, False)


def test_a_cue_in_too_few_texts_tells_nothing(cues: Cues, codebook: Codebook) -> None:
    found = counted([example("Tea.", "carries"), example("Water.", "none")], cues, codebook)
    assert found["tea", "en"].roles["carries"] == 1
    assert not found["tea", "en"].tells


def test_words_that_nobody_listed_are_found_too(cues: Cues, codebook: Codebook) -> None:
    examples = [example("Honey from here.", "reports"), example("Honey from afar.", "reports")]
    examples += [example("Salt from here.", "none"), example("Salt from there, with honey.", "reports")]
    found = telling_words(examples, cues, codebook)
    assert [(count.cue, count.texts, count.most) for count in found] == [
        ("from", 4, "reports"),
        ("honey", 3, "reports"),
    ]


def test_the_table_marks_cues_that_tell_a_role(cues: Cues, codebook: Codebook) -> None:
    examples = [example("Tea.", "carries"), example("More tea.", "carries"), example("Water.", "none")]
    table = cue_table(count_cues(examples, cues, codebook), codebook, title="Cues")
    assert table.columns == ("cue", "language", "texts", *codebook.role_codes, "most")
    assert all(len(row) == len(table.columns) for row in table.rows)
    cells = {row[0]: row for row in table.rows}
    assert cells["tea"] == ("tea", "en", 2, 0, 0, 100, 0, f"carries 100 (+33) {MARK}")
    assert cells["never there"] == ("never there", "en", 0, "", "", "", "", "")


def test_a_broken_list_is_refused_with_all_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "cues.yaml"
    path.write_text(
        "limit: 3\nleast: none\ncues:\n  - {cue: a, en: [no]}\n  - {cue: b, en: ['x']}\n  - {cue: b, en: ['y']}\n"
    )
    with pytest.raises(ConfigError) as refused:
        Cues.load(path)
    for fault in ("limit: ", "least: ", r"cues[1]: ", "cues: 'b' stands twice"):
        assert f"\n  {fault}" in str(refused.value)
    path.write_text("- tea\n")
    with pytest.raises(ConfigError, match="expected a mapping with limit, least and cues"):
        Cues.load(path)
    path.write_text("cues: [")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        Cues.load(path)
    with pytest.raises(ConfigError, match="No such file"):
        Cues.load(tmp_path / "nowhere.yaml")


def test_the_shipped_list_is_long_and_in_two_languages() -> None:
    cues = Cues.load()
    assert cues.languages == ("en", "fr")
    assert sum(len(cue.patterns) == 2 for cue in cues.cues) >= 40


def test_hardly_a_cue_tells_a_role_in_the_embedded_corpus(codebook: Codebook) -> None:
    examples = build(CorpusConfig.model_validate({"sources": [{"kind": "embedded"}]}), codebook, seed=13).examples
    cues = Cues.load()
    counts = count_cues(examples, cues, codebook)
    # Known, and told in docs/data.md; the lists may become shorter, never longer.
    assert {(count.cue, count.language) for count in counts if count.tells} == set()
    assert len(telling_words(examples, cues, codebook)) <= 78
    # A cue that never occurs tells nothing, and teaches nothing either.
    rare = {(count.cue, count.language) for count in counts if count.texts < cues.least}
    assert rare <= {("Wagner", "en"), ("sovereign", "en"), ("lie", "fr"), ("exclamation mark", "fr")}
