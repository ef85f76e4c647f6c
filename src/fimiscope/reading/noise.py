"""Noise inside lines: tags, entities, invisible characters, addresses, account names, wire prefixes, link markers.

Every rule takes a text and gives edits `(start, end, new)` in order; `new` is empty or one character. A rule fires
only on what no sentence needs: when in doubt it leaves the words alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable

Edit = tuple[int, int, str]
Rule = Callable[[str], Iterable[Edit]]

_BLOCK_TAGS = (
    "address|article|aside|blockquote|body|br|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|head|header|hr|html|li|main|"
    "nav|ol|option|p|pre|section|select|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
_INLINE_TAGS = (
    "a|abbr|amp-[a-z-]+|audio|b|big|button|center|cite|code|del|em|embed|font|g|i|iframe|img|input|ins|label|link|mark|meta|noscript|"
    "object|path|picture|q|s|small|source|span|strike|strong|sub|sup|svg|time|u|video"
)
_ATTRIBUTES = r"(?:\s+[\w:@.-]+(?:\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>=]+))){0,30}\s*/?"
# What stands between these is no text either.
_ENCLOSURES = tuple(
    (re.compile(opening, re.IGNORECASE), re.compile(closing, re.IGNORECASE))
    for opening, closing in (
        (r"<script\b[^<>]{0,2000}>", r"</script\s?>"),
        (r"<style\b[^<>]{0,2000}>", r"</style\s?>"),
        ("<!--", "-->"),
    )
)
_TAG = re.compile(
    rf"<!doctype [^<>]{{0,200}}>|</?(?:(?P<block>{_BLOCK_TAGS})|{_INLINE_TAGS}){_ATTRIBUTES}>", re.IGNORECASE
)
_TEMPLATE = re.compile(r"\{\{[^{}\n]{0,300}\}\}|\{%[^{}%\n]{0,300}%\}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")

_TAG_CHARACTERS = "[\U000e0020-\U000e007f]"
# One of the others, or a run of tag characters; begins with one class, which the engine finds faster than alternatives.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f]"
    f"(?:(?<={_TAG_CHARACTERS}){_TAG_CHARACTERS}+)?"
)
_JOINERS = "\u200c\u200d"
_JOINABLE = re.compile("[^\x00-\u024f\\s]")
_BLACK_FLAG = "\U0001f3f4"

# Letters of scripts without spaces, and emoji, end an address that has none after it.
_IN_ADDRESS = '[^\\s<>"«»“”\u0590-\u08ff\u0e00-\u1fff\u2e80-\ud7ff\uf900-\uffff\U00010000-\U0010ffff]'
_SHORTENERS = (
    r"(?:pic\.twitter\.com|t\.co|t\.me|bit\.ly|buff\.ly|goo\.gl|ow\.ly|tinyurl\.com|youtu\.be|fb\.me|lnkd\.in|is\.gd|"
    r"dlvr\.it|wa\.me)"
)
_DOMAINS = (
    "com|org|net|info|int|edu|gov|africa|fr|ru|cn|eu|uk|de|ci|ml|bf|ne|sn|cm|cd|cf|td|tg|bj|gn|ga|mg|ke|ng|gh|za|tz|ug|rw|et|"
    "so|sd|eg|ma|dz|tn"
)
_ADDRESS = re.compile(
    rf"(?:https?://|(?<![\w.])www\.|(?<![\w.@])(?:{_SHORTENERS})/){_IN_ADDRESS}+"
    rf"|(?<![\w.@/])(?:[a-z0-9][a-z0-9-]*\.)+(?:{_DOMAINS})/{_IN_ADDRESS}*",
    re.IGNORECASE,
)
_ENDS_IN_DOMAIN = re.compile(rf".*\.(?:{_DOMAINS}|co|me|ly|gl|be|gd|in|it)", re.IGNORECASE | re.DOTALL)
_LONGEST_DOMAIN = len(".africa")
_SLASH = re.compile("/")
_TRAILING = ".,;:!?'’)]}…"
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ACCOUNT = re.compile(r"(?:\bRT )?(?<![\w@.])@[A-Za-z0-9_](?:\\_|[A-Za-z0-9_]){1,29}\b:?(?!\.\w)")
_EMPTY_BRACKETS = re.compile(r"\(\s*\)|\[\s*\]")

# `Lire aussi :` and its like between two sentences; what follows may be a title or the article again, so it stays.
_SENTENCE_END = re.compile(r"[.!?…»\"”)]\s|\n")
_MARKER = (
    r"(?:(?:[àÀaA]\s+)?(?:[lL]ire|LIRE|[vV]oir|VOIR|[rR]egarder|[ÉéEe]couter)\s+(?:aussi|également|AUSSI|plus)|"
    r"[lL]isez\s+(?:aussi|également)|[rR]ead\s+(?:also|more)|READ\s+(?:ALSO|MORE)|[aA]lso\s+read|[sS]ee\s+also|"
    r"[wW]atch\s+also|Regarder|Écouter|Ecouter)"
)
_SUBJECT = r"(?:\s+(?:sur|on|about)\s+(?:l['’]|les?\s|la\s|the\s)?\w[\w'’-]*(?:\s[\w'’-]+){0,4})?"
_LINK_MARKER = re.compile(rf"{_MARKER}{_SUBJECT}\s*:(?=\s|\Z)")


def _tags(text: str) -> Iterable[Edit]:
    if "<" not in text:
        return
    edits = list(_enclosed(text))
    edits += [(m.start(), m.end(), "\n" if m["block"] else "") for m in _TAG.finditer(text)]
    # A script's own tags lie inside it: the longer edit of two that begin together comes first.
    yield from sorted(edits, key=lambda edit: (edit[0], -edit[1]))


def _enclosed(text: str) -> Iterable[Edit]:
    for opening, closing in _ENCLOSURES:
        at = 0
        while (start := opening.search(text, at)) and (end := closing.search(text, start.end())):
            yield start.start(), end.end(), "\n"
            at = end.end()


def _templates(text: str) -> Iterable[Edit]:
    return _removals(_TEMPLATE, text) if "{" in text else ()


def _entities(text: str) -> Iterable[Edit]:
    if "&" not in text:
        return
    for found in _ENTITY.finditer(text):
        letter = html.unescape(found[0])
        if len(letter) == 1 and letter != "\ufffd":
            yield found.start(), found.end(), letter


def _invisible(text: str) -> Iterable[Edit]:
    if text.isascii() and text.isprintable():
        return
    for found in _INVISIBLE.finditer(text):
        start, end = found.span()
        before, after = text[start - 1 : start], text[end : end + 1]
        # Joiners spell Persian, Indic and emoji; beside Latin letters or at an edge they are dirt.
        spells = found[0] in _JOINERS and _JOINABLE.match(before) and _JOINABLE.match(after)
        # Tag characters after a black flag name a country; elsewhere they are words that nobody sees.
        if not spells and not (before == _BLACK_FLAG and found[0] >= "\U000e0020"):
            yield start, end, ""


def _addresses(text: str) -> Iterable[Edit]:
    if not _hints_at_address(text):
        return
    for found in _ADDRESS.finditer(text):
        kept = found[0].rstrip(_TRAILING)
        yield found.start(), found.start() + len(kept), ""


def _hints_at_address(text: str) -> bool:
    """Whether a text may hold an address; many times faster than to look for one."""
    if "://" in text or "www." in text.lower():
        return True
    slashes = (found.start() for found in _SLASH.finditer(text))
    return any(_ENDS_IN_DOMAIN.fullmatch(text, max(0, slash - _LONGEST_DOMAIN), slash) for slash in slashes)


def _mails(text: str) -> Iterable[Edit]:
    return _removals(_MAIL, text) if "@" in text else ()


def _accounts(text: str) -> Iterable[Edit]:
    return _removals(_ACCOUNT, text) if "@" in text else ()


def _brackets(text: str) -> Iterable[Edit]:
    return _removals(_EMPTY_BRACKETS, text) if "(" in text or "[" in text else ()


def _link_markers(text: str) -> Iterable[Edit]:
    if ":" not in text:
        return
    for start in (0, *(end.end() for end in _SENTENCE_END.finditer(text))):
        if found := _LINK_MARKER.match(text, start):
            yield start, found.end(), ""


def _removals(pattern: re.Pattern[str], text: str) -> Iterable[Edit]:
    return ((found.start(), found.end(), "") for found in pattern.finditer(text))


CHARACTER_RULES: tuple[tuple[str, Rule], ...] = (
    ("tags", _tags),
    ("templates", _templates),
    ("entities", _entities),
    ("invisible characters", _invisible),
)
INLINE_RULES: tuple[tuple[str, Rule], ...] = (
    ("addresses", _addresses),
    ("mail addresses", _mails),
    ("account names", _accounts),
    ("empty brackets", _brackets),
)
MARKER_RULE: tuple[str, Rule] = ("link markers", _link_markers)
