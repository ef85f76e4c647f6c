"""Noise that fills whole lines: buttons, profiles, invitations, cookie notices, page furniture, links to other pages.

A line goes only when nothing but noise is on it, and takes its line end with it. The patterns are compared with the
line's words, after its bullet or emoji.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from fimiscope.reading.noise import Edit, Rule

_LONGEST = 260
_LONGEST_DRAWN = 10_000
_BULLET = re.compile(r"^[^\w\s@#(\[{\"'«“‘©<>=*_~+|.-]+\s*|^[-*•]\s+")


def any_of(*alternatives: str) -> str:
    """A pattern for any of `alternatives`, in which a space stands for any white space."""
    return "(?:" + "|".join(alternative.replace(" ", r"\s+") for alternative in alternatives) + ")"


def _whole(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.IGNORECASE).fullmatch


_NETWORK = any_of(
    r"facebook|twitter|x(?:\s?/\s?twitter)?|whats\s?app|telegram|linked\s?in|instagram|youtube|tik\s?tok|pinterest|reddit",
    r"messenger|viber|threads|bluesky|snapchat|flipboard|vk|rss|apple podcasts?|spotify|deezer",
)
_OUR = any_of("our|us|this|my|the|notre|nos|ma|mon|cette|la")
_AND = r"(?:\s*,\s*|\s*,?\s+(?:and|or|et|ou)\s+)"

# Share buttons: every word of the line is one that such buttons are made of, and one of them is the verb.
_BUTTON_VERB = any_of("share|tweet|pin|print|copy|partager|partagez|tweeter|imprimer|copier|envoyer")
_BUTTON_WORD = any_of(
    _BUTTON_VERB,
    "post|copied|save|send|like|enregistrer|this|that|the|article|story|page|with|friends|on|via|by|to|it|and|or",
    "et|ou|cet|cette|ce|sur|par|à|le|la|lien|link|e-?mail|mail",
    _NETWORK,
)
_is_all_button_words = _whole(rf"(?:{_BUTTON_WORD}(?:[\s,|/•·&:!.+-]+|$))+")
_has_button_verb = re.compile(rf"\b{_BUTTON_VERB}\b", re.IGNORECASE).search


def _is_button(line: str) -> bool:
    return bool(_is_all_button_words(line) and _has_button_verb(line))


_is_network = _whole(_NETWORK)
_MOST_WORDS_OF_PROFILE = 4


def _is_profile(line: str) -> bool:
    """Whether a line is like `Our Paper | Telegram | X`, or the name of a network alone."""
    names = [name.strip() for name in re.split(r"[|•·]", line)]
    return all(len(name.split()) <= _MOST_WORDS_OF_PROFILE for name in names) and any(map(_is_network, names))


# Invitations to follow somebody on networks, with what newsrooms ask for in the same breath.
_SOMEBODY = r"(?:(?i:us|nous|moi)|@?[A-ZÀ-Þ][\w&.'’:-]*(?:\s+(?:[A-ZÀ-Þ&][\w&.'’:-]*|of|de|du)){0,5})"
_ALSO_ASKED = any_of("you can also|send|if you have|have a|want to|do you have|email|visit|vous pouvez|envoyez|écrivez")
_NETWORKS = rf"@?{_NETWORK}(?:{_AND}(?:(?:on|sur)\s+)?@?{_NETWORK})*"
_follows = re.compile(
    rf"(?i:{any_of('why not', 'please', 'you can', 'vous pouvez')}\s+)?"
    rf"(?:(?i:follow|find|like|join)\s+{_SOMEBODY}|(?i:suivez|rejoignez|retrouvez)[- ]{_SOMEBODY})"
    rf"(?i:[\s,]*(?:on|at|via|sur|à)\s+{_NETWORKS}\s*(?:[.!]?\s*{_ALSO_ASKED}\b.{{0,160}})?[.!:\s]*)"
).fullmatch

# Invitations to subscribe. One that ends with a full stop could be a sentence, unless it says whose channel it means.
_POLITELY = any_of("please|don['’]t forget to|n['’]oubliez pas de|pensez à", "click(?: here)? to|cliquez(?: ici)? pour")
_CHANNEL = any_of(
    "channel|newsletter|page|group|community|podcast|alerts?|updates?|feed",
    "chaîne|chaine|groupe|communauté|infolettre|lettre",
)
_JOINING = any_of(
    "subscribe|sign up|boost us|follow us|abonnez[- ]vous|abonne[- ]toi|s['’]abonner|vous abonner|inscrivez[- ]vous",
    "suivez[- ]nous|rejoignez[- ]nous",
    rf"(?:join|follow|like|download|rejoignez|suivez|téléchargez) {_OUR} (?:\w+ ){{0,3}}{_CHANNEL}",
)
_JOINED = any_of(
    "now|today|here|and|at|on|via|for|maintenant|ici|et|sur|pour|au?|gratuitement",
    rf"(?:to |à )?{_OUR}",
    r"(?:to|à) (?-i:[A-ZÀ-Þ@])\w+",
    _NETWORK,
)
_subscribes = _whole(rf"(?:{_POLITELY}\s+)?{_JOINING}(?:\s*(?:[!.:|]|$)|\s+{_JOINED}\b).{{0,140}}")
_names_our_channel = re.compile(
    r"\b(?:our|us|my|notre|nos|nous|newsletter|infolettre)\b|[- ]nous\b", re.IGNORECASE
).search

_is_cookie_notice = _whole(
    any_of(
        r"we (?:and our partners )?use\b.{0,60}|(?:this|our) (?:web)?site uses?\b.{0,60}",
        r"by (?:continuing|using|clicking)\b.{0,120}|(?:accept|manage|reject)(?: all)?(?: the)?",
        r"nous utilisons\b.{0,60}|(?:ce|notre) site (?:web )?utilise\b.{0,60}",
        r"en (?:poursuivant|continuant|cliquant)\b.{0,120}|(?:tout )?(?:accepter|refuser|gérer)(?: tous)?(?: les)?",
    )
    + r"\s*\bcookies?\b.{0,200}"
)

_FURNITURE = any_of(
    r"advertise?ments?|publicités?|annonces?|sponsored(?: content)?|contenu sponsorisé|promoted",
    r"(?:advertise?ment [-–—] )?(?:(?:story|article) continues|continue|scroll) (?:reading )?(?:below|after)\b.{0,40}",
    r"scroll down(?: for \w+)?|skip to (?:main )?content|aller au contenu(?: principal)?|continuer la lecture",
    r"back to top|haut de page|retour en haut|load more|show more|voir plus",
    r"\d{1,3}\s?min(?:ute)?s? (?:read|de lecture)",
    r"(?:reading time|temps de lecture|lecture)\s?:?\s?\d{1,3}\s?min(?:ute)?s?",
    r"all rights reserved|tous droits réservés|(?:copyright )?(?:©|\(c\)).{0,100}|copyright \d{4}.{0,100}",
    r"\d+ (?:comments?|commentaires?|shares?|partages?|views?|vues?)|comments?|commentaires?|view comments",
    r"leave a (?:comment|reply)|laisser un commentaire|.{0,20}\bmay earn (?:a )?commission\b.{0,80}",
    r"images? (?:taken from social media|tirées? des réseaux sociaux|générée par l['’]ia)|\(?file (?:photo|image)s?\)?",
    rf"(?:listen|watch|écoutez|regardez) (?:live )?(?:on|in|sur|dans) {_OUR}\b.{{0,80}}",
)
_is_furniture = _whole(rf"{_FURNITURE}\s?[.:!]?")
_is_drawn_rule = _whole(r"[-=_*~#.·•|+<>\s]{3,}")

# Links to other pages: with a title behind these words, with or without a colon, but without a sentence's end …
_READ_ALSO = any_of(
    "(?:[àa] )?(?:lire|voir|regarder|é?e?couter|découvrir) (?:aussi|également)",
    "lisez (?:aussi|également)|vous aimerez aussi",
    "read also|also read|see also|also see|watch also|you (?:may|might) also (?:like|be interested in)",
)
# … and, after words that begin sentences too, only with a colon or nothing behind.
_READ_MORE = any_of(
    "read more|lire plus|lire la suite|en savoir plus|pour aller plus loin|à découvrir|read on topic",
    "tags?|mots[- ]clés",
    "related(?: articles?| stories| posts?| news)?(?:more from author)?|more from (?:the )?author",
    "recommended(?: for you)?",
    r"more (?:on|from|about) (?:this|the) \w+|sur le même (?:sujet|thème)|dans la même rubrique",
    "articles? (?:liés?|similaires?|connexes?|recommandés?)",
    "(?:read|watch|see) the (?:full|whole) (?:story|article|text|report|interview|video)(?: here)?",
    "(?:click here|cliquez ici)(?: (?:to|for|pour) .{0,60})?|lire l['’](?:article|intégralité)(?: complet)?(?: ici)?",
)
_is_link = _whole(
    rf"{_READ_ALSO}(?:\s*[:–—|»>-].{{0,200}}|\s+(?:sur|on)\s.{{0,80}}:.{{0,200}}|\s[^.!?…]{{0,160}})?"
    rf"|{_READ_MORE}(?:\s*[:|»>]+.{{0,200}})?[\s.!]*"
)


def lines_of(text: str) -> Iterable[tuple[int, int, str]]:
    """Start, end and words of every line of a text."""
    start = 0
    for line in text.split("\n"):
        yield start, start + len(line), line.strip()
        start += len(line) + 1


@lru_cache(maxsize=1)
def _bare_lines(text: str) -> list[tuple[int, int, int, str]]:
    """Start, end, length of the words, and the words after their bullet, of every line that rules look at."""
    # The last text's are kept: most rules change nothing, and the next one asks for the same lines.
    lines = ((start, end, line) for start, end, line in lines_of(text) if 0 < len(line) <= _LONGEST_DRAWN)
    return [(start, end, len(line), bare) for start, end, line in lines if (bare := _BULLET.sub("", line))]


def _lines_that(fits: Callable[[str], object], longest: int = _LONGEST) -> Rule:
    def rule(text: str) -> Iterable[Edit]:
        for start, end, length, words in _bare_lines(text):
            if length <= longest and fits(words):
                yield start, min(end + 1, len(text)), ""

    return rule


def _is_invitation(line: str) -> bool:
    if _follows(line):
        return True
    return bool(_subscribes(line)) and (not line.endswith(".") or bool(_names_our_channel(line)))


LINE_RULES: tuple[tuple[str, Rule], ...] = (
    ("drawn rules", _lines_that(_is_drawn_rule, longest=_LONGEST_DRAWN)),
    ("share buttons", _lines_that(_is_button)),
    ("profiles", _lines_that(_is_profile)),
    ("invitations", _lines_that(_is_invitation)),
    ("cookie notices", _lines_that(_is_cookie_notice)),
    ("page furniture", _lines_that(_is_furniture)),
)
LINK_RULE: tuple[str, Rule] = ("links to other pages", _lines_that(_is_link))
