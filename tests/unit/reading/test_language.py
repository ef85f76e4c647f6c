"""Languages of the corpora, and when there is too little to tell."""

from __future__ import annotations

import pytest

from fimiscope.reading import identify_language

SAMPLES = {
    "en": "The council of the town met on Monday and decided that the market would open again before the rains.",
    "fr": "Le conseil de la ville s'est réuni lundi et a décidé que le marché ouvrirait de nouveau avant les pluies.",
    "ar": "اجتمع مجلس المدينة يوم الاثنين وقرر أن السوق سيفتح من جديد قبل موسم الأمطار.",
    "pt": "O conselho da cidade reuniu-se na segunda-feira e decidiu que o mercado voltaria a abrir antes das chuvas.",
    "sw": "Baraza la mji lilikutana Jumatatu na kuamua kwamba soko litafunguliwa tena kabla ya mvua kuanza kunyesha.",
    "ha": "Majalisar garin ta yi taro ranar Litinin kuma ta yanke shawarar cewa za a sake bude kasuwar kafin damina.",
    "pcm": "Di pipo wey dey di town don gather on Monday and dem don tok say dem go open di market again before rain.",
    "so": "Golaha magaalada ayaa kulmay maalintii Isniinta wuxuuna go'aansaday in suuqa dib loo furi doono roobka.",
    "yo": "Ìgbìmọ̀ ìlú náà ṣe ìpàdé ní ọjọ́ Ajé wọ́n sì pinnu pé ọjà náà yóò tún ṣí kí òjò tó bẹ̀rẹ̀.",
}


@pytest.mark.parametrize("language", SAMPLES)
def test_languages_of_the_corpora_are_told_apart(language: str) -> None:
    assert identify_language(SAMPLES[language]) == language


@pytest.mark.parametrize("text", ["", "   ", "Bala, 12.3.2024", "Le marché de Kolo", "12345 67890 " * 20])
def test_too_little_to_tell(text: str) -> None:
    assert identify_language(text) is None


@pytest.mark.parametrize(
    "headline", ["Nigeria and Ghana sign oil and gas deal", "Kenya lifts nighttime curfew amid decline in infections"]
)
def test_english_headlines_about_africa_are_english(headline: str) -> None:
    assert identify_language(headline) == "en"


def test_half_a_character_is_no_obstacle() -> None:
    assert identify_language(SAMPLES["en"] + "\ud83d") == "en"
