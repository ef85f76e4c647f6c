"""From the probabilities of an article to its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.calibration import head_slices
from fimiscope.bundle.decisions import PROBABILITY_DIGITS, Decisions, Profile
from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.records import Article, Verdict


def scored_verdict(
    article: Article,
    language: str | None,
    probabilities: npt.NDArray[Any],
    codebook: Codebook,
    decisions: Decisions,
    *,
    profile: Profile,
    model: dict[str, str],
    remarks: Sequence[str] = (),
) -> Verdict:
    """What calibrated probabilities, shape (labels,), amount to; the evidence is left empty.

    Actors or narratives that a model does not judge are NaN, and `None` in the verdict.
    """
    values = np.round(probabilities, PROBABILITY_DIGITS)
    slices = head_slices(codebook.heads())
    by_head = {
        head.name: dict(zip(head.labels, values[slices[head.name]].tolist(), strict=True))
        for head in codebook.heads()
        if not np.isnan(values[slices[head.name]]).any()
    }
    probability: float = by_head["flag"]["flag"]
    undecided = decisions.undecided(probability, profile, language)
    flag = probability >= decisions.flag[profile]
    role = _role(by_head["role"], codebook.flagging_roles if flag else codebook.role_codes)
    narratives = by_head.get("narratives")
    said = []
    if undecided:
        said.append(f"undecided: flag probability {probability:.2f} is too near the threshold")
    if not decisions.trained_on(language):
        said.append(f"language never trained on ({language or 'unknown'}): pooled calibration, wider abstain band")
    return Verdict(
        id=article.id,
        status="abstained" if undecided else "scored",
        reason="; ".join([*said, *remarks]) or None,
        flag=None if undecided else flag,
        flag_probability=probability,
        role=by_head["role"],
        role_label=role,
        actors=by_head.get("actors"),
        narratives=narratives,
        narratives_flagged=None if narratives is None else _narratives(narratives, role, decisions),
        africa=by_head["africa"]["africa"],
        evidence=None,
        language=language,
        article=_about(article),
        model=model,
    )


def failed_verdict(article: Article, language: str | None, fault: str | None, *, model: dict[str, str]) -> Verdict:
    """The verdict on an article that cannot be judged."""
    return Verdict(article.id, "failed", fault, language=language, article=_about(article), model=model)


def cleared_verdict(article: Article, language: str | None, *, model: dict[str, str]) -> Verdict:
    """The verdict on an article that the gate cleared."""
    return Verdict(article.id, "scored", flag=False, language=language, gate=True, article=_about(article), model=model)


def _about(article: Article) -> dict[str, str | None]:
    return {name: getattr(article, name) for name in ("title", "url", "outlet", "published")}


def _role(role: dict[str, float], candidates: Sequence[str]) -> str:
    """The likeliest role; on a flagged article the candidates are those that flag."""
    return max(candidates, key=lambda code: role[code])


def _narratives(narratives: dict[str, float], role: str, decisions: Decisions) -> tuple[str, ...]:
    """Codes that reach the threshold, likeliest first; where none does and the role names one, the likeliest."""
    if role == NO_ROLE:
        return ()
    ranked = sorted(narratives, key=lambda code: -narratives[code])
    reached = tuple(code for code in ranked if narratives[code] >= decisions.narrative)
    return reached or (tuple(ranked[:1]) if role in decisions.naming_roles else ())
