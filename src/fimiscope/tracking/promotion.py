"""Which version of the registered model is the champion: promotion by rules, and the way back.

The registry cannot move two aliases at once. The former champion is therefore named `@previous` before the champion's
alias moves: a crash in between leaves it in its place.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fimiscope.codebook import Codebook
from fimiscope.errors import ConfigError, TrackingError
from fimiscope.evaluation.comparison import CONTRAST, Finding, Measured, Rules, compare, holds
from fimiscope.evaluation.predictions import from_rows
from fimiscope.tracking.comparing import find_run, logged_json, logged_predictions
from fimiscope.tracking.datasets import held_out_digest
from fimiscope.tracking.registry import REGISTERED_NAME, logged_model, register
from fimiscope.tracking.run import CODEBOOK, CONTRAST_TEXTS, PREDICTIONS
from fimiscope.tracking.store import connect_to_existing, reported

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

CHAMPION, PREVIOUS = "champion", "previous"
_TEST = "test/"
_ALIAS = re.compile(r"(?!v\d+$)[\w-]+", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Promotion:
    """What came of a promotion.

    Attributes:
        run_id: the challenger's.
        version: of the challenger; `None` where it was not registered before and was not promoted.
        former: version that had the alias, if any had.
        promoted: whether the alias was moved.
    """

    alias: str
    run_id: str
    version: str | None
    former: str | None
    findings: tuple[Finding, ...]
    promoted: bool

    @property
    def refused(self) -> bool:
        return not holds(self.findings)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"refused": self.refused, "findings": [finding.to_dict() for finding in self.findings]}


@dataclass(frozen=True, slots=True)
class Rollback:
    """The version that has the alias again, and the one that had to give it up."""

    alias: str
    version: str
    withdrawn: str


def promote(run: str, rules: Rules, *, alias: str = CHAMPION, why: str = "", dry_run: bool = False) -> Promotion:
    """Compare a run's model with the version that has the alias, and move the alias if all rules hold.

    The run's model is registered if it is not yet; the version is tagged `promoted.when`, `.why`, `.rules` and `.from`.
    Where a rule does not hold, and with `dry_run`, nothing in the store changes.

    Args:
        run: id of a run of `fimiscope train`, the beginning of an id, or a name that no other finished run bears.

    Raises:
        ConfigError: MLflow has no such alias.
        TrackingError: the store or the run is not there, the two cannot be compared, or somebody else moved the alias
            at the same time.
    """
    _check_alias(alias)
    client = connect_to_existing()
    with reported(f"run {run} cannot be promoted"):
        challenger = find_run(client, run.removeprefix("runs:/"))
        run_id = challenger.info.run_id
        former = _aliases(client).get(alias)
        champion = None if former is None else client.get_run(_run_of(client, former))
        if champion is not None:
            _check_comparable(client, challenger, champion)
        found = compare(rules, _measured(client, challenger), None if champion is None else _measured(client, champion))
        version = _version_of(client, run_id)
        if dry_run or not holds(found):
            return Promotion(alias, run_id, version, former, found, promoted=False)
        source = logged_model(client, run_id)
        version = version or register(client, REGISTERED_NAME, source=f"models:/{source}", run_id=run_id)
        _expect(client, alias, former)
        _tag(
            client,
            version,
            {
                "promoted.when": _now(),
                "promoted.why": why or "every rule holds",
                "promoted.rules": "\n".join(map(str, found)),
                "promoted.from": former or "none",
            },
        )
        if former is not None:
            client.set_registered_model_alias(REGISTERED_NAME, previous_of(alias), former)
        elif previous_of(alias) in _aliases(client):
            # Of a champion of old, whose alias was taken away: there is nothing to go back to.
            client.delete_registered_model_alias(REGISTERED_NAME, previous_of(alias))
        client.set_registered_model_alias(REGISTERED_NAME, alias, version)
        _expect(client, alias, version)
    return Promotion(alias, run_id, version, former, found, promoted=True)


def rollback(*, alias: str = CHAMPION, why: str = "") -> Rollback:
    """Give the alias back to the version that had it before; the two change places.

    The version that gives it up is tagged `rolled_back.when`, `.why` and `.to`.

    Raises:
        TrackingError: the store is not there, there is nothing to go back to, or somebody else moved the alias at the
            same time.
    """
    _check_alias(alias)
    client = connect_to_existing()
    with reported(f"@{alias} cannot be rolled back"):
        aliases = _aliases(client)
        current, former = aliases.get(alias), aliases.get(previous_of(alias))
        if current is None or former in (None, current):
            raise TrackingError(
                f"@{alias} cannot be rolled back: no version of {REGISTERED_NAME} had it before "
                f"(@{previous_of(alias)} is {'not set' if former is None else 'the same version'})"
            )
        _expect(client, alias, current)
        _tag(
            client,
            current,
            {"rolled_back.when": _now(), "rolled_back.why": why or "not said", "rolled_back.to": str(former)},
        )
        client.set_registered_model_alias(REGISTERED_NAME, alias, former)
        client.set_registered_model_alias(REGISTERED_NAME, previous_of(alias), current)
        _expect(client, alias, str(former))
    return Rollback(alias, str(former), current)


def previous_of(alias: str) -> str:
    """The alias of the version that had `alias` before."""
    return PREVIOUS if alias == CHAMPION else f"{PREVIOUS}-{alias}"


def _check_alias(alias: str) -> None:
    if not _ALIAS.fullmatch(alias) or alias.lower() == "latest":
        raise ConfigError(
            f"--alias {alias}: MLflow takes letters, digits, _ and -, and neither latest nor the number of a version"
        )


def _aliases(client: MlflowClient) -> dict[str, str]:
    """Version of each alias; none where no model is registered."""
    found = client.search_registered_models(f"name = '{REGISTERED_NAME}'", max_results=1)
    return {alias: str(version) for alias, version in found[0].aliases.items()} if found else {}


def _run_of(client: MlflowClient, version: str) -> str:
    return str(client.get_model_version(REGISTERED_NAME, version).run_id)


def _version_of(client: MlflowClient, run_id: str) -> str | None:
    """The newest version that was registered from a run."""
    found = client.search_model_versions(f"run_id = '{run_id}'")
    return max((str(one.version) for one in found if one.name == REGISTERED_NAME), key=int, default=None)


def _check_comparable(client: MlflowClient, challenger: Run, champion: Run) -> None:
    mine, theirs = challenger.info.run_id, champion.info.run_id
    if mine == theirs:
        raise TrackingError(f"run {mine} is the champion already")
    held_out = held_out_digest(champion)
    if held_out is None or held_out != held_out_digest(challenger):
        raise TrackingError(
            f"run {mine} and the champion's run {theirs} were not tested on the same held-out texts: train the "
            "champion's config again on the corpus of today and promote that, or take the alias away "
            "(docs/registry.md), so that the rules for a first champion hold"
        )
    one, other = (Codebook.from_dict(logged_json(client, run, CODEBOOK)) for run in (challenger, champion))
    if one.rules != other.rules:
        raise TrackingError(
            f"run {mine} and the champion's run {theirs} have different codebooks: labels do not compare"
        )


def _measured(client: MlflowClient, run: Run) -> Measured:
    """The figures that a run logged, and the verdicts that they are figures of."""
    run_id = run.info.run_id
    if run.info.status != "FINISHED":
        raise TrackingError(f"run {run_id} is {run.info.status}: only a finished run can be compared")
    there = {file.path for file in client.list_artifacts(run_id)}
    if missing := [name for name in (PREDICTIONS, CODEBOOK) if name not in there]:
        raise TrackingError(f"run {run_id} has no {' and no '.join(missing)}: only runs of `fimiscope train` have")
    codebook, rows = logged_predictions(client, run)
    judged = from_rows(rows, Codebook.from_dict(codebook, place=f"codebook of run {run_id}"))
    contrast: dict[str, Any] = {"suite": "", "texts": []}
    if CONTRAST_TEXTS in there:
        contrast = logged_json(client, run, CONTRAST_TEXTS)
    figures = {name.removeprefix(_TEST): value for name, value in run.data.metrics.items() if name.startswith(_TEST)}
    figures |= {name: value for name, value in run.data.metrics.items() if name.startswith(CONTRAST)}
    return Measured(figures, judged, contrast["suite"], contrast["texts"])


def _expect(client: MlflowClient, alias: str, version: str | None) -> None:
    """Find out whether somebody else is moving the alias; the registry has no way to keep them out."""
    found = _aliases(client).get(alias)
    if found != version:
        raise TrackingError(
            f"somebody else moved @{alias} to {'nothing' if found is None else f'version {found}'} at the same time, "
            f"and that holds: compare with it by the same command"
        )


def _tag(client: MlflowClient, version: str, tags: dict[str, str]) -> None:
    for name, value in tags.items():
        client.set_model_version_tag(REGISTERED_NAME, version, name, value)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
