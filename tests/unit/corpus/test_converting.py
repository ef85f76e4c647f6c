from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fimiscope.checksums import sha256_of_text
from fimiscope.corpus.converting import convert
from fimiscope.errors import CorpusError


def write(path: Path, content: str | dict[str, Any]) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def found(kind: str, file: Path, *texts: str) -> list[str]:
    """Which of some texts, and of a text that is nowhere, the converter finds."""
    wanted = {sha256_of_text(text): [f"id of {text}"] for text in (*texts, "This stands nowhere.")}
    texts_by_id = convert(kind, [file], wanted)
    assert all(identity == f"id of {text}" for identity, text in texts_by_id.items())
    return list(texts_by_id.values())


def test_channel_posts_come_without_their_advertising(tmp_path: Path) -> None:
    posts = [
        {"url": "Channel-7", "title": "x", "content": "The mill opened.\n\nSubscribe to @channel\n\n🔸 More"},
        {"url": "https://example.org/1", "title": "Le pont ", "content": "Le pont est ouvert."},
        {"url": "https://example.org/2", "title": "La foire", "content": "La foire\n\nElle dure trois jours."},
    ]
    file = write(tmp_path / "dump.json", {"metadata": {}, "data": {"2024": {"5": {"1": posts[:1], "2": posts[1:]}}}})
    texts = ["The mill opened.", "Le pont\n\nLe pont est ouvert.", "La foire\n\nElle dure trois jours."]
    assert found("channel", file, *texts) == texts


def test_posts_are_found_at_any_depth_whole_and_without_links(tmp_path: Path) -> None:
    short = {"rest_id": "1", "legacy": {"full_text": "Rain &amp; sun today https://t.co/abc"}}
    long_text = {"note_tweet_results": {"result": {"text": "A long report on the harvest, to its very end."}}}
    long = {"rest_id": "2", "legacy": {"full_text": "A long report on…"}, "note_tweet": long_text}
    file = write(tmp_path / "timeline.json", {"data": [{"entries": [{"item": short}]}, {"deep": {"er": [long]}}]})
    texts = ["Rain & sun today", "A long report on the harvest, to its very end."]
    assert found("posts", file, *texts) == texts


def test_cells_of_tables_and_of_zipped_tables(tmp_path: Path) -> None:
    semicolons = write(tmp_path / "a.csv", '"title";"summary"\n"T";" The dam, they say,\nheld. "\n')
    news = write(tmp_path / "b.tsv", "category\theadline\ttext\turl\nlife\tHead \tBody of it. \thttps://example.org\n")
    archive = tmp_path / "c.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("day/one.csv", '\ufeff"15:45, 1-May-2022",A headline of the day\r\n')
    assert found("cells", semicolons, "The dam, they say,\nheld.") == ["The dam, they say,\nheld."]
    assert found("cells", news, "Head\n\nBody of it.") == ["Head\n\nBody of it."]
    assert found("cells", archive, "A headline of the day") == ["A headline of the day"]


def test_an_article_is_its_title_and_its_text(tmp_path: Path) -> None:
    file = write(tmp_path / "page.md", "---\nlayout: post\ntitle: The ferry \n---\nIt  sails.\n\n\n\nDaily.\n")
    assert found("article", file, "The ferry\n\nIt sails.\n\nDaily.") == ["The ferry\n\nIt sails.\n\nDaily."]


def test_a_passage_is_any_run_of_paragraphs_without_markup(tmp_path: Path) -> None:
    page = "---\ntitle: T\n---\nOne.\n\n**Two** [links](https://example.org) here.\n\n![](a.png)\n\n> Three.\n\nFour.\n"
    file = write(tmp_path / "page.md", page)
    texts = ["Two links here.\n\n Three.", "Four."]
    assert sorted(found("passages", file, *texts)) == sorted(texts)


def test_a_text_with_two_ids_is_found_for_both(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "text\nThe same words.\n")
    assert set(convert("cells", [file], {sha256_of_text("The same words."): ["x", "y"]})) == {"x", "y"}


@pytest.mark.parametrize("kind", ["channel", "posts"])
def test_a_file_of_another_kind_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=f"is no file that the converter '{kind}' reads"):
        convert(kind, [write(tmp_path / "page.html", "<html>Not found</html>")], {})
