"""What can be read passes, in every script; what cannot is told with a reason."""

from __future__ import annotations

import base64
import random

import pytest

from fimiscope.reading import legibility_fault

READABLE = {
    "headline": "Nigeria and Ghana sign a deal on oil and gas at last",
    "post with emoji": "🇧🇫🇲🇱🇳🇪 " * 20 + "Le marché de la ville rouvre enfin ses portes ce mardi matin",
    "post with hashtags": "#Kolo #Bala #Marché #Pluies #Récolte2024 #Ensemble #Demain #Ici",
    "post with a long hashtag": "#WhatTheMarketOfBalaSellsOnSundayMorningsInMarch: enjoy the pictures",
    "post with a key": "Le marché de la ville rouvre enfin ses portes ce mardi " + "aZ09" * 60,
    "post with an address": "Le marché de la ville rouvre enfin ses portes ce mardi https://example.org/" + "aZ09" * 40,
    "arabic": "اجتمع مجلس المدينة يوم الاثنين وقرر أن السوق سيفتح من جديد",
    "arabic with marks": "اِجتَمَعَ مَجلِسُ المَدينَةِ يَومَ الإثنَينِ وقَرَّرَ أَنَّ السُّوقَ سَيُفتَحُ",
    "amharic": "የከተማው ምክር ቤት ሰኞ ተሰብስቦ ገበያው ከዝናብ በፊት እንደገና እንዲከፈት ወሰነ።",
    "chinese": "市议会星期一开会并决定市场将在雨季开始之前重新开放市长说价格会下降农民们表示欢迎他们等待了很久",
    "yoruba": "Ìgbìmọ̀ ìlú náà ṣe ìpàdé ní ọjọ́ Ajé wọ́n sì pinnu pé ọjà náà yóò tún ṣí",
    "figures": "Annual inflation in the town: 3.2% (2021), 4.5% (2022), 6.7% (2023); prices rose in 12 of 14 towns",
    "french read wrongly but legible": "Le conseil de la ville s'est rÃ©uni et a dÃ©cidÃ© que le marchÃ© ouvrirait",
    "chant": "Vive Bala, vive Kolo, vive le marché, vive les pluies, vive la radio, vive la ville",
}
random.seed(7)
FAULTS = {
    "empty": ["", " \n\t", "\u3000"],
    "too short: 4 letters, at least 20 needed": ["Bala", "12 Bala 34 !!"],
    "too short: 0 letters, at least 20 needed": [
        "https://example.org/" + "a" * 60,
        "12345 " * 30,
        "🇧🇫" * 40,
        "----------",
    ],
    "not language: mostly digits and symbols": [
        "a1b2c3d4e5-" * 20 + "0123456789" * 40,
        "x = 3; y[4] += 5 // 6; " * 20,
        random.randbytes(300).hex(),
    ],
    "not language: encoded data": [
        base64.b64encode(random.randbytes(900)).decode(),
        base64.encodebytes(random.randbytes(900)).decode(),
    ],
    "not language: the same over and over": [
        "achetez " * 60,
        "ha" * 60,
        "哈" * 50,
        "a b c d e " * 20,
        "buy now buy " * 20,
    ],
    "not language: letters damaged by a wrong encoding": [
        "اجتمع مجلس المدينة يوم الاثنين وقرر أن السوق سيفتح".encode().decode("latin-1"),
        "Министр объявил во вторник о реформе рынка города Бала".encode().decode("cp1252", "replace"),
        "\ufffd".join("Le marché de la ville rouvre enfin ses portes ce matin à Bala"),
    ],
}


@pytest.mark.parametrize("name", READABLE)
def test_what_can_be_read_passes(name: str) -> None:
    assert legibility_fault(READABLE[name]) is None


@pytest.mark.parametrize(("reason", "text"), [(reason, text) for reason, texts in FAULTS.items() for text in texts])
def test_what_cannot_be_read_is_told(reason: str, text: str) -> None:
    assert legibility_fault(text) == reason


def test_twenty_letters_are_enough() -> None:
    words = "un deux trois quatr"
    assert sum(map(str.isalpha, words)) == 16
    assert legibility_fault(words) == "too short: 16 letters, at least 20 needed"
    assert legibility_fault(words + " encore") is None
