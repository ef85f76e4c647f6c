from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from fimiscope.corpus.examples import Record
from fimiscope.corpus.near_copies import cluster, groups
from fimiscope.records import Article, Labels


def letters(digits: str) -> str:
    """Numbers are no words to compare by, so the invented ones are spelt."""
    return digits.translate(str.maketrans("0123456789", "abcdefghij"))


def test_texts_alike_as_far_as_they_are_labelled_are_copies(invent: Callable[[int], str]) -> None:
    beginning, rests = f"{invent(1)} {invent(2)}", [f"{invent(n)} {invent(n + 1)} {invent(n + 2)}" for n in (3, 6)]
    whole = [Article(str(number), f"{beginning} {rest}") for number, rest in enumerate(rests)]
    records = [Record(article, Labels(role="none"), "wire", None, len(article.text)) for article in whole]
    assert groups(records, 0.7) == ["wire/0", "wire/1"]
    assert groups([replace(record, labelled_to=len(beginning)) for record in records], 0.7) == ["wire/0", "wire/0"]


def alone(texts: list[str], threshold: float = 0.7) -> list[int]:
    return cluster(texts, [None] * len(texts), threshold)


def test_small_changes_make_a_near_copy_and_other_texts_none(invent: Callable[[int], str]) -> None:
    base = f"{invent(1)} {invent(2)}"
    changed = base.replace(base.split()[20], "other", 1)
    assert alone([base, changed, f"{invent(3)} {invent(4)}"]) == [0, 0, 2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Le marché a ouvert à 8 heures, dit le maire.", "LE MARCHE a ouvert à 9 heures dit le maire"),
        ("Ilé ìwé náà ti ṣí sílẹ̀ ní òní", "Ile iwe naa ti si sile ni oni"),
        ("New road opens today https://example.org/a", "New road opens today! https://example.org/b 🎉"),
        ("Well done", "WELL DONE!!"),
        ("سُوقُ القَرْيَةِ يَفْتَحُ", "سوق القرية يفتح"),
    ],
)
def test_case_accents_digits_links_and_punctuation_do_not_count(one: str, other: str) -> None:
    assert alone([one, other]) == [0, 0]


def test_short_texts_that_share_an_opening_are_not_copies() -> None:
    assert alone(["No proof was given.", "No proof was given for the claim about the bridge.", "Yes."]) == [0, 1, 2]


def test_texts_without_words_are_copies_only_when_equal() -> None:
    assert alone(["🙂🙂", "🙃", "🙂🙂"]) == [0, 1, 0]


def test_chinese_is_compared_by_characters() -> None:
    text = "市场今天早上八点开门，村长说道路已经修好，学校明天也会开学。"
    assert alone([text, text.replace("八点", "九点"), "完全不同的一句话，讲的是另外一件事情和别的地方。"]) == [0, 0, 2]


def test_copies_on_both_sides_of_the_length_border_are_found() -> None:
    words = [f"w{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(42)]
    for length in range(36, 42):
        assert alone([" ".join(words[:length]), " ".join(words[: length + 1])]) == [0, 0]


def test_families_and_copies_unite_into_one_cluster(invent: Callable[[int], str]) -> None:
    texts = [invent(1), invent(2), invent(2) + " more", invent(3), invent(4)]
    assert cluster(texts, ["f", "f", None, "g", None], 0.7) == [0, 0, 0, 3, 4]


def test_threshold_one_joins_equal_texts_only(invent: Callable[[int], str]) -> None:
    assert alone([invent(1), invent(1), invent(1) + " more"], 1.0) == [0, 0, 2]


def test_every_pair_above_the_threshold_is_found() -> None:
    chance = random.Random(5)
    originals = [[f"w{chance.randrange(10**6)}x" for _ in range(80)] for _ in range(150)]
    originals = [[letters(word) for word in words] for words in originals]
    # With the last 13 of 80 words changed, 63 of 89 shingles of five words are common: 0.708.
    copies = [
        words[:67] + [letters(f"new{number}n{place}") for place in range(13)] for number, words in enumerate(originals)
    ]
    found = alone([" ".join(words) for words in originals + copies])
    assert found[150:] == list(range(150))
