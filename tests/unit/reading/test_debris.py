"""Whole lines of debris, in English and French, and the sentences that resemble them."""

from __future__ import annotations

import pytest

from fimiscope.reading import clean

BEFORE = "The council met on Monday and spoke about the market for two hours."
AFTER = "Le maire a répondu aux questions des habitants pendant une heure entière."

DEBRIS = [
    "share on facebook tweet this",
    "Share Tweet",
    "Share this article:",
    "Partager cet article sur WhatsApp",
    "Facebook | Twitter | WhatsApp",
    "WhatsApp",
    "Radio Kolo | X",
    "Tweeter",
    "Copier le lien",
    "====================",
    "- - -",
    "***",
    "Subscribe to our newsletter.",
    "👉 Subscribe now!",
    "Subscribe to Radio Kolo",
    "SUBSCRIBE: https://t.me/radio_kolo",
    "Abonnez-vous à notre chaîne Telegram !",
    "Abonnez-vous @radio_kolo",
    "Rejoignez notre chaîne WhatsApp",
    "Follow us on Facebook and Twitter",
    "Suivez-nous sur Facebook",
    "Follow Radio Kolo on Facebook, Twitter and Instagram. Send your story ideas to: kolo@example.org",
    "Follow Ada on Twitter.",
    "Join our Telegram channel",
    "We use cookies to improve your experience. Accept all.",
    "Ce site utilise des cookies. En savoir plus.",
    "Tout accepter les cookies",
    "Advertisement",
    "PUBLICITÉ",
    "Story continues below",
    "Advertisement - continue reading below",
    "4 min read",
    "Temps de lecture : 3 minutes",
    "© Radio Kolo 2024",
    "Tous droits réservés.",
    "12 comments",
    "Laisser un commentaire",
    "Scroll down for video",
    "Image générée par l'IA",
    "(File photo)",
    "📹 Watch live on our website or in Telegram!",
    "Lire aussi : Le marché rouvre mardi",
    "A lire aussi: Les prix baissent.",
    "À lire aussi sur Radio Kolo : Les prix",
    "Lire aussi Les prix baissent au nord",
    "► Voir aussi",
    "Read also: Prices fall",
    "READ ALSO",
    "Also read | Prices fall",
    "Related articles",
    "You may also be interested in:",
    "👉 Read the full story!",
    "Lire la suite",
    "Click here",
    "Tags:",
    "Sur le même sujet",
]

SENTENCES = [
    "Share prices fell on Tuesday.",
    "Share this burden with us, the minister said on Facebook.",
    "Partager le pouvoir, tel est son but.",
    "He posts on Twitter",
    "Facebook a fermé mille comptes.",
    "Le maire | un homme calme",
    "Subscribe to peace, the president told the generals.",
    "Subscribers left the paper in droves.",
    "Follow the money on Facebook and you find the same firm.",
    "Follow me into the desert, wrote the rebel.",
    "Join the army on Monday, the radio said.",
    "Rejoignez notre lutte, a-t-il dit aux soldats.",
    "Abonnez-vous à la colère, ironise le maire.",
    "Suivez le guide.",
    "Like our fathers, we will stand.",
    "Google will accept the ruling on cookies.",
    "Les cookies au beurre se vendent bien.",
    "We sell cookies",
    "Advertisement of poison is forbidden.",
    "Annonces et promesses se suivent.",
    "Il a lu 4 minutes.",
    "12 comments were deleted by the army.",
    "Copyright law is weak here.",
    "Scroll down to see how the price has changed.",
    "Lire aussi le discours du roi aide à comprendre. Il est long.",
    "Read more books, the minister told the pupils.",
    "Read also what the law says, and you will understand. It is short.",
    "Voir aussi grand est un risque !",
    "Related crimes went unpunished.",
    "See the full moon over Bala.",
    "Tags were removed from the walls.",
    "More on this later, he promised.",
    "- Le marché rouvre mardi.",
    "• 12 soldats sont rentrés.",
    "🇲🇱🇧🇫🇳🇪",
    "?!",
    "Sputnik est le nom d'un satellite.",
]


@pytest.mark.parametrize("line", DEBRIS)
def test_debris_goes_with_its_line(line: str) -> None:
    assert clean(f"{BEFORE}\n{line}\n{AFTER}").text == f"{BEFORE}\n{AFTER}"


@pytest.mark.parametrize("line", SENTENCES)
def test_sentences_that_resemble_debris_stay(line: str) -> None:
    text = f"{BEFORE}\n{line}\n{AFTER}"
    assert clean(text).text == text


def test_debris_words_inside_a_paragraph_stay() -> None:
    text = f"{BEFORE} Subscribe now! Share Tweet. Advertisement. {AFTER}"
    assert clean(text).text == text
