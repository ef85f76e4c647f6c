"""Single documents: txt, Markdown, HTML."""

from __future__ import annotations

from pathlib import Path

import pytest

from fimiscope.reading import read_articles
from fimiscope.records import Article, Unreadable

PAGE = """<!doctype html><html lang="fr"><head><meta charset="{charset}"><title>Le marché | Gazette</title>
<meta property="og:site_name" content="Gazette de Bala"><meta property="og:title" content="Le marché rouvre">
<meta property="article:published_time" content="2024-03-05T10:00:00+00:00">
<link rel="canonical" href="https://example.org/marche"></head><body><nav><a href="/">Accueil</a></nav>
<article><p>{first}</p><p>{second}</p></article><footer>Mentions</footer></body></html>"""
FIRST = "Le ministre a annoncé mardi une réforme du marché aux grains, a rapporté la radio « Kolo » de Bala."
SECOND = "Les producteurs du nord attendent une baisse des prix, que les marchands jugent peu probable cette année."


def read(path: Path, content: str | bytes) -> Article | Unreadable:
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    (item,) = read_articles([path])
    return item


def text_of(item: Article | Unreadable) -> str:
    assert isinstance(item, Article), item
    return item.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_text_file_is_one_article(tmp_path: Path, encoding: str) -> None:
    text = "L’été à Bala.\r\n\r\nDéjà « fini »."
    path = tmp_path / "a b.txt"
    assert read(path, text.encode(encoding)) == Article("a b.txt", text, place=str(path))


def test_bytes_that_are_no_text_are_told_with_their_place(tmp_path: Path) -> None:
    sound = "été à Bala, déjà fini, où étais-tu ? ".encode() * 3
    damaged = read(tmp_path / "x.txt", sound + b"\xff fin")
    assert isinstance(damaged, Unreadable)
    assert damaged.reason == f"byte {len(sound) + 1} is not UTF-8"
    nulls = read(tmp_path / "y.txt", "sans marque".encode("utf-16-le"))
    assert isinstance(nulls, Unreadable)
    assert "null bytes" in nulls.reason


def test_a_page_of_more_than_10_mb_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.html"
    with path.open("wb") as file:
        file.truncate(10_000_001)
    (item,) = read_articles([path])
    assert isinstance(item, Unreadable)
    assert item.reason == "it has more than 10,000,000 bytes, which is the most that is read"


def test_front_matter_of_markdown_is_not_text(tmp_path: Path) -> None:
    content = (
        "---\ntitle: Le marché\ndate: 2024-03-05\nURL: https://example.org\ntags: [a]\n---\n# Bala\n\nLe marché rouvre."
    )
    path = tmp_path / "x.md"
    assert read(path, content) == Article(
        "x.md",
        "# Bala\n\nLe marché rouvre.",
        title="Le marché",
        published="2024-03-05",
        url="https://example.org",
        place=str(path),
    )


@pytest.mark.parametrize(
    "content",
    [
        "# Bala\n\nLe marché.",
        "---\nUne ligne, puis rien.\n---\nLe marché.",
        "---\ntitle: [ouvert\n---\nLe marché.",
        "---\nsans fin",
        "Le marché.\n---\ntitle: non\n---\n",
        "",
    ],
)
def test_what_is_no_front_matter_stays_in_the_text(tmp_path: Path, content: str) -> None:
    assert text_of(read(tmp_path / "x.md", content)) == content


def test_front_matter_may_be_empty(tmp_path: Path) -> None:
    assert text_of(read(tmp_path / "x.md", "---\n---\nLe marché.")) == "Le marché."


def test_a_page_gives_its_article_and_what_it_says_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "x.html"
    item = read(path, PAGE.format(charset="utf-8", first=FIRST, second=SECOND))
    assert item == Article(
        "x.html",
        f"{FIRST}\n{SECOND}",
        title="Le marché rouvre",
        published="2024-03-05",
        outlet="Gazette de Bala",
        url="https://example.org/marche",
        place=str(path),
    )


@pytest.mark.parametrize(
    ("encoding", "charset"),
    [
        ("utf-8", "utf-8"),
        ("utf-8", "iso-8859-1"),
        ("cp1252", "iso-8859-1"),
        ("cp1252", "nonsense"),
        ("utf-16", "utf-16"),
    ],
)
def test_pages_are_decoded_by_their_bytes(tmp_path: Path, encoding: str, charset: str) -> None:
    page = PAGE.format(charset=charset, first=FIRST, second=SECOND)
    assert text_of(read(tmp_path / "x.htm", page.encode(encoding))) == f"{FIRST}\n{SECOND}"


def test_a_page_in_a_declared_encoding_is_decoded_by_it(tmp_path: Path) -> None:
    first = "Министр объявил во вторник о реформе зернового рынка, сообщило радио города Бала вечером."
    page = PAGE.format(charset="windows-1251", first=first, second=first).replace("é", "e")
    assert first in text_of(read(tmp_path / "x.html", page.encode("windows-1251", "ignore")))


@pytest.mark.parametrize("page", ["", "<html><body></body></html>", "<html><body><nav></nav></body></html>", "<p>"])
def test_a_page_without_an_article_is_listed(tmp_path: Path, page: str) -> None:
    item = read(tmp_path / "x.html", page)
    assert isinstance(item, Unreadable)
    assert item.reason == "the page holds no article text"


@pytest.mark.parametrize("tag", ["<div>", "<p>", "<table><tr><td>", "<b><i>"])
def test_a_page_of_endless_nesting_is_listed(tmp_path: Path, tag: str) -> None:
    item = read(tmp_path / "x.html", f"<html><body>{tag * 120_000}mot")
    assert isinstance(item, Unreadable)
    assert "elements, at most 100,000 are read" in item.reason
    assert isinstance(read(tmp_path / "y.html", f"<html><body>{tag * 2000}"), Unreadable)
