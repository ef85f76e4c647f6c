"""Dates as newspapers print them: English, French and numeric."""

from __future__ import annotations

import re

_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec|"
    "janvier|février|fevrier|mars|avril|mai|juin|juillet|août|aout|septembre|octobre|novembre|décembre|decembre|"
    "janv|févr|fév|avr|juil|déc"
)
MONTH = rf"(?i:{_MONTHS})\b\.?"
WEEKDAY = (
    r"(?i:(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun|"
    r"lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)\b\.?,?)"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|ère)?\.?"
_YEAR = r"(?:19|20)\d\d"
_LONG = rf"(?:{_DAY}\s+(?:of\s+)?{MONTH}(?:,?\s+{_YEAR})?|{MONTH}\s+{_DAY}(?:,?\s+{_YEAR})?|{MONTH}\s+{_YEAR})"
_NUMBER = r"\d{1,2}"
_SHORT = (
    rf"(?:{_YEAR}[-/.]{_NUMBER}[-/.]{_NUMBER}|{_NUMBER}[-/.]{_NUMBER}[-/.](?:{_YEAR}|\d\d)|"
    rf"{_YEAR}年{_NUMBER}月{_NUMBER}日)"
)
DATE = rf"(?:{_LONG}|{_SHORT})(?:(?!\w)|(?=T\d\d:))"

_ZONE = r"(?:GMT|UTC|CET|CEST|EST|EDT|BST|WAT|EAT|CAT|SAST|MSK|Z)(?:\s?[+-]\d{1,2}(?::?\d\d)?)?|[+-]\d\d:?\d\d"
_CLOCK = rf"T?\d{{1,2}}(?::|h|H)\d\d(?::\d\d(?:\.\d+)?)?(?:\s?(?i:[ap]\.?m\.?))?(?:\s?\(?(?:{_ZONE})\)?)?"
_SAID = (
    r"(?i:(?:first\s+|last\s+)?(?:published|posted|updated|modified|created)(?:\s+(?:on|at))?|date|publiée?(?:\s+le)?|postée?(?:\s+le)?|"
    r"mise?\s+à\s+jour(?:\s+le)?|modifiée?(?:\s+le)?|actualisée?(?:\s+le)?|écrit(?:\s+le)?)\s*:?"
)
_GLUE = r"(?:[\s,;|•·()–—-]|(?i:le|on|at|à|the|du|year)\b)*"
_PLACE = r"[A-ZÀ-Þ][\w'’-]*(?:,|\s?\([A-ZÀ-Þ][\w ]{1,20}\),?|(?: [A-ZÀ-Þ][\w'’-]*){1,2},)?"
_BYLINE = r"(?:\s+[A-ZÀ-Þ][\w.'’-]*){2,4}\s*\|\s*[A-ZÀ-Þ][\w ]{2,40}"
_BESIDE = rf"(?:{_SAID}|{WEEKDAY}|{_CLOCK})"
_WHEN = rf"(?:{_BESIDE}{_GLUE}){{0,3}}{DATE}{_GLUE}(?:(?:{_BESIDE}|{DATE}){_GLUE}){{0,4}}"
_LINE = re.compile(rf"{_GLUE}{_WHEN}\.?(?:{_BYLINE})?")
_LINE_WITH_PLACE = re.compile(rf"{_PLACE}\s+{_GLUE}{_WHEN}\.?")
_HAS_YEAR = re.compile(_YEAR)
_LONGEST = 120


def is_date_line(line: str) -> bool:
    """Whether a line holds a date and nothing but what goes with it: weekday, clock, place, `Published on`, byline."""
    if len(line) > _LONGEST:
        return False
    if _LINE.fullmatch(line):
        return True
    return _HAS_YEAR.search(line) is not None and _LINE_WITH_PLACE.fullmatch(line) is not None
