"""What is masked inside lines, and the look-alikes that stay."""

from __future__ import annotations

import pytest

from fimiscope.reading import clean


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ("Un <b>mot</b> fort", "Un mot fort"),
        ("<p>Un.</p><p>Deux.</p>", "Un.\nDeux."),
        ('Un<br/>deux <a href="https://example.org" class=x>trois</a>', "Un\ndeux trois"),
        ("Avant <script>var a = '<b>';</script> après", "Avant\naprès"),
        ("Avant <!-- un commentaire --> après", "Avant\naprès"),
        ("Avant {{ }} après {{< youtube abc >}} fin {% include x %}.", "Avant après fin ."),
        ("Tom &amp; Ali &laquo;&nbsp;oui&nbsp;&raquo; &#233;t&#xe9; &lt;3", "Tom & Ali « oui » été <3"),
        ("pro\u00adpa\u200bgande\ufeff et\x07 bruit\u202e", "propagande et bruit"),
        ("\u200dLe chef", "Le chef"),
        ("Un\u00a0mot\u202f!  Deux\t\tmots\r\n\r\n\r\nTrois", "Un mot ! Deux mots\nTrois"),
        ("Voir https://example.org/a-b?c=d#e, puis rien.", "Voir , puis rien."),
        ("Voir (http://example.org/x) et www.example.org.", "Voir et ."),
        ("Image pic.twitter.com/AbC123 et t.me/radio_kolo", "Image et"),
        ("Lire sur radiokolo.bf/actu/marche et la suite", "Lire sur et la suite"),
        ("中国https://example.org/a中国", "中国中国"),
        ("Écrire à info@radio-kolo.bf ou à @radio_kolo.", "Écrire à ou à ."),
        ("RT @radio_kolo: le marché rouvre", "le marché rouvre"),
        ("Le marché rouvre. Lire aussi : Les prix baissent.", "Le marché rouvre. Les prix baissent."),
        ("Le marché rouvre. À lire aussi sur la région : Les prix.", "Le marché rouvre. Les prix."),
        ("The market opens. Read more: Prices fall.", "The market opens. Prices fall."),
    ],
)
def test_noise_goes(dirty: str, expected: str) -> None:
    assert clean(dirty).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "If a < b and c > d, then b <c and d> a.",
        "Les clubs de <16 ans et de 20> ans jouent <demain>.",
        "R&D, AT&T et Marks & Spencer; l'accord M&A; tout va.",
        "L'ensemble {a, b} et {c} sont fermés, dit-il.",
        "Le Dr. Sow a écrit: lire aussi souvent que possible aide.",
        "Il faut lire aussi : c'est une obligation, dit le maître.",
        "They read more: one book a week, said the teacher.",
        "Voir plus loin : telle est sa devise.",
        "Les www ne sont pas des mots, http non plus.",
        "Ils ont gagné 3/4 des sièges, soit 12.5/20.",
        "L'article et/ou l'annexe, la route Kolo/Bala.net",
        "Il a payé 10 @ 5 francs, voire @ 6.",
        "می‌خواهم به خانه بروم و کتاب‌ها را بخوانم",
        "👩🏽‍🌾 et 🏴󠁧󠁢󠁳󠁣󠁴󠁿 et 🇲🇱 et ❤️‍🔥 restent",
        "f(x) = 3 et [sic] restent (comme ceci).",
        "Google.com a dit non. Le site radiokolo.bf aussi.",
    ],
)
def test_look_alikes_stay(text: str) -> None:
    assert clean(text).text == text


def test_an_address_in_the_script_of_an_entity_is_decoded_before_it_is_masked() -> None:
    assert clean("Lien https://example.org/?a=1&amp;b=2 fin").text == "Lien fin"


def test_unclosed_tags_and_comments_swallow_nothing() -> None:
    text = "Avant <!-- jamais fermé. Et <script la suite reste."
    assert clean(text).text == text
