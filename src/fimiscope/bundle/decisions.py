"""From probabilities to what an analyst is told: flagged, clear or undecided, which role, which narratives."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import log
from typing import Any, Literal

Profile = Literal["balanced", "high-recall", "high-precision"]
PROFILES: tuple[Profile, ...] = ("balanced", "high-recall", "high-precision")
PROBABILITY_DIGITS = 6
UNTRAINED_LANGUAGE_BAND = 2.0


@dataclass(frozen=True, slots=True)
class Decisions:
    """Thresholds on calibrated probabilities, fitted on the validation part.

    Attributes:
        flag: threshold of the flag probability for each profile.
        narrative: threshold of every narrative's probability.
        band: half-width, in log-odds around the flag threshold, of the zone in which the model abstains; it is
            doubled for a language that the model was never trained on.
        languages: languages that the model was trained on.
        naming_roles: roles whose training texts mostly name a narrative; their likeliest one is given even where
            none reaches the threshold.
    """

    flag: dict[str, float]
    narrative: float
    band: float
    languages: tuple[str, ...]
    naming_roles: tuple[str, ...]

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Decisions:
        return cls(
            **{
                **document,
                "languages": tuple(document["languages"]),
                "naming_roles": tuple(document["naming_roles"]),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def trained_on(self, language: str | None) -> bool:
        return language in self.languages

    def undecided(self, probability: float, profile: Profile, language: str | None) -> bool:
        """Whether a flag probability lies so near the profile's threshold that the model abstains."""
        width = self.band * (1.0 if self.trained_on(language) else UNTRAINED_LANGUAGE_BAND)
        return abs(log_odds(probability) - log_odds(self.flag[profile])) < width


def log_odds(probability: float) -> float:
    """Logit of a probability, kept finite at 0 and 1."""
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return log(bounded / (1 - bounded))
