"""Dirt that must not change what a model says: capitals, misspellings, other quotation marks, page furniture, dates.

What is made depends on the article's id and on nothing else, so every run and every machine measures the same texts.
Only `random.Random.random` is drawn from: Python promises its sequence for good, of its other methods it does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from fimiscope.reading import sentences
from fimiscope.records import Article

Thing = TypeVar("Thing")

_WORDS_TO_A_SLIP = 7
_SHORTEST_SLIPPED = 5
_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r"“(?P<curly>[^“”]*)”|«\s*(?P<angle>[^«»]*?)\s*»|\"(?P<straight>[^\"\n]*)\"")
_MARKS = {"curly": "“{}”", "angle": "«\u00a0{}\u00a0»", "straight": '"{}"'}
_SOURCES = re.compile(r"\bSources?\s*:?\s*1\s?/")


@dataclass(frozen=True, slots=True)
class _Furniture:
    """Lines of a page around an article, in one language; about nothing that a codebook speaks of."""

    above: tuple[str, ...]
    below: tuple[str, ...]
    dates: tuple[str, ...]
    heading: str
    sources: tuple[str, ...]


_PAGES = {
    "en": _Furniture(
        above=(
            "We use cookies to improve this page. Accept all | Settings",
            "Skip to content",
            "Home › News › Today",
            "SHARE: Facebook | X | WhatsApp | Telegram | Email",
            "Reading time: 2 min",
            "You have 3 free articles left this month. Log in",
        ),
        below=(
            "Get the day's stories in your inbox: sign up for our newsletter!",
            "Share this article with your friends on WhatsApp",
            "Did you like this story? Leave a comment below (0 comments)",
            "Read also: Five recipes for the rainy season",
            "Download our free app on the App Store and Google Play",
            "All rights reserved. Terms of use | Privacy | Contact",
            "Advertisement",
        ),
        dates=(
            "Tuesday 14 May 2024 | 09:17",
            "Published: 3 October 2023, 18:40 GMT - Updated 2 hours ago",
            "2024-02-26 07:05",
            "Mon. 11 March | 6:30 am",
        ),
        heading="Sources",
        sources=(
            "Regional radio, evening bulletin",
            "Notes of our correspondent",
            "Communiqué of the secretariat",
            "Telephone interview, Monday",
        ),
    ),
    "fr": _Furniture(
        above=(
            "Nous utilisons des cookies pour améliorer cette page. Tout accepter | Réglages",
            "Aller au contenu",
            "Accueil › Actualités › Aujourd'hui",
            "PARTAGER : Facebook | X | WhatsApp | Telegram | Courriel",
            "Temps de lecture : 2 min",
            "Il vous reste 3 articles gratuits ce mois-ci. Se connecter",
        ),
        below=(
            "Recevez l'essentiel du jour dans votre boîte : abonnez-vous à notre infolettre !",
            "Partagez cet article avec vos amis sur WhatsApp",
            "Cet article vous a plu ? Laissez un commentaire ci-dessous (0 commentaire)",
            "Lire aussi : Cinq recettes pour la saison des pluies",
            "Téléchargez notre application gratuite sur l'App Store et Google Play",
            "Tous droits réservés. Conditions d'utilisation | Confidentialité | Contact",
            "Publicité",
        ),
        dates=(
            "Mardi 14 mai 2024 | 09h17",
            "Publié le 3 octobre 2023 à 18h40 - Mis à jour il y a 2 heures",
            "26/02/2024 07:05",
            "Lun. 11 mars | 6 h 30",
        ),
        heading="Sources",
        sources=(
            "Radio régionale, bulletin du soir",
            "Notes de notre correspondant",
            "Communiqué du secrétariat",
            "Entretien téléphonique, lundi",
        ),
    ),
}


def noisy(article: Article) -> Iterator[tuple[str, Article]]:
    """The article once for each kind of noise that can be made from it, with the name of the kind.

    Its labels stay what they are, except the offsets of its evidence. Ids become `<id>+<kind>`. `quotation_marks` needs
    a quotation, `date_line` a text that does not end in a list of sources, and `boilerplate` and `date_line` an
    article in English or French.
    """
    for kind, make in _KINDS.items():
        made = make(article, Random(f"{kind} {article.id}"))
        if made is not None:
            yield kind, replace(made, id=f"{article.id}+{kind}")


def _upper_case(article: Article, _: Random) -> Article:
    return replace(article, title=article.title and article.title.upper(), text=article.text.upper())


def _spelling(article: Article, random: Random) -> Article:
    """In every sentence one word in seven, and at least one, has a letter dropped or two exchanged."""
    pieces, end = [], 0
    for sentence in sentences(article.text):
        pieces += [article.text[end : sentence.start], _misspelt(article.text[sentence.start : sentence.end], random)]
        end = sentence.end
    pieces.append(article.text[end:])
    return replace(article, title=article.title and _misspelt(article.title, random), text="".join(pieces))


def _misspelt(sentence: str, random: Random) -> str:
    words = [found for found in _WORD.finditer(sentence) if len(found[0]) >= _SHORTEST_SLIPPED]
    slips = max(1, len(sentence.split()) // _WORDS_TO_A_SLIP)
    for found in sorted(_some(words, slips, random), key=lambda word: -word.start()):
        sentence = sentence[: found.start()] + _slip(found[0], random) + sentence[found.end() :]
    return sentence


def _slip(word: str, random: Random) -> str:
    """The word with one inner letter dropped, or exchanged with its unlike neighbour."""
    place = 1 + int(random.random() * (len(word) - 3))
    one, other = word[place], word[place + 1]
    if one == other or random.random() < 0.5:
        return word[:place] + word[place + 1 :]
    return word[:place] + other + one + word[place + 2 :]


def _quotation_marks(article: Article, random: Random) -> Article | None:
    """Each quotation in another pair of marks: one that its text does not use, the same for the whole article."""
    used = {str(found.lastgroup) for found in _QUOTED.finditer(f"{article.title or ''}\n{article.text}")}
    others = [name for name in _MARKS if name not in used]
    if not used or not others:
        return None
    [marks] = _some([_MARKS[name] for name in others], 1, random)

    def requoted(text: str) -> str:
        return _QUOTED.sub(lambda found: marks.format(found[str(found.lastgroup)]), text)

    return replace(article, title=article.title and requoted(article.title), text=requoted(article.text))


def _boilerplate(article: Article, random: Random) -> Article | None:
    page = _PAGES.get(article.language or "")
    if page is None:
        return None
    above, below = _some(page.above, 2, random), _some(page.below, 3, random)
    return replace(article, text="\n\n".join((*above, article.text, *below)))


def _date_line(article: Article, random: Random) -> Article | None:
    page = _PAGES.get(article.language or "")
    if page is None or _SOURCES.search(article.text):
        return None
    [date] = _some(page.dates, 1, random)
    sources = "\n".join(f"{number}/ {name}" for number, name in enumerate(_some(page.sources, 2, random), 1))
    return replace(article, text=f"{date}\n\n{article.text}\n\n{page.heading}\n{sources}")


def _some(things: Sequence[Thing], count: int, random: Random) -> list[Thing]:
    """`count` of the things in an order of chance; all where there are fewer."""
    drawn = sorted((random.random(), place) for place in range(len(things)))
    return [things[place] for _, place in drawn[:count]]


_KINDS: dict[str, Callable[[Article, Random], Article | None]] = {
    "upper_case": _upper_case,
    "spelling": _spelling,
    "quotation_marks": _quotation_marks,
    "boilerplate": _boilerplate,
    "date_line": _date_line,
}
