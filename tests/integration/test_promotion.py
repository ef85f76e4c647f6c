"""Promotion and rollback in a real registry: by which rules, what is recorded, and what a crash or a race leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fimiscope.config import Config
from fimiscope.errors import TrackingError
from fimiscope.evaluation.card import MUST_NOT
from fimiscope.evaluation.comparison import Rules
from fimiscope.pipeline import train
from fimiscope.tracking import promotion
from fimiscope.tracking.promotion import Promotion, promote, rollback
from fimiscope.tracking.registry import LONGEST_DESCRIPTION, bundle_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from conftest import Workplace

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
NAME = "fimiscope"


@dataclass(frozen=True, slots=True)
class Store:
    """A store with three runs of word models: two on the same held-out texts, of which one learns little."""

    workplace: Workplace
    client: MlflowClient
    weak: str
    strong: str
    elsewhere: str

    def aliases(self) -> dict[str, str]:
        found = self.client.search_registered_models()
        return {alias: str(version) for alias, version in found[0].aliases.items()} if found else {}

    def artifact(self, run_id: str, name: str) -> str:
        return Path(self.client.download_artifacts(run_id, name)).read_text(encoding="utf-8")

    def tags(self, version: str) -> dict[str, str]:
        return dict(self.client.get_model_version(NAME, version).tags)


@pytest.fixture(scope="module")
def store(workplace: Workplace, tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    from mlflow import MlflowClient

    workplace = replace(workplace, folder=tmp_path_factory.mktemp("registry"))
    document = tiny_config.model_dump(mode="json") | {"encoder": None, "evaluation": {"contrast": True}}

    def run(name: str, **changes: Any) -> str:
        config = Config.model_validate(document | {"name": name} | changes)
        return train(config, models=workplace.folder / "models").run_id

    [source] = document["corpus"]["sources"]
    moved = {"sources": [source | {"hold_out": {"valid": 0.25, "test": 0.3}}]}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workplace.folder)
        patch.setenv("MLFLOW_TRACKING_URI", workplace.store)
        yield Store(
            workplace,
            MlflowClient(tracking_uri=workplace.store),
            weak=run("weak", lexical={"words": [1, 1], "characters": [3, 3], "buckets": 2**10, "strength": 1e-4}),
            strong=run("strong"),
            elsewhere=run("elsewhere", corpus=document["corpus"] | moved),
        )


@pytest.fixture
def empty_registry(store: Store) -> Store:
    """The store without a registered model."""
    for model in store.client.search_registered_models():
        store.client.delete_registered_model(model.name)
    return store


@pytest.fixture
def champion(empty_registry: Store) -> Store:
    """The store with the weak model as champion, version 1."""
    assert by(empty_registry.weak, figure="flag/pr_auc", at_least=0).promoted
    return empty_registry


def by(run: str, *, alias: str = "champion", dry_run: bool = False, **rule: Any) -> Promotion:
    """Promote by a single rule."""
    return promote(run, Rules.model_validate({"rules": [rule]}), alias=alias, dry_run=dry_run)


def test_the_command_refuses_by_a_rule_and_then_promotes_the_first_champion(empty_registry: Store) -> None:
    store, work = empty_registry, empty_registry.workplace
    rules = work.folder / "rules.yaml"
    rules.write_text("rules:\n- {figure: flag/pr_auc, at_least: 1.1}\n- {figure: flag/pr_auc, gain: 0.5}\n")
    refused = work.run("promote", store.strong, "--rules", rules, code=1)
    assert "flag/pr_auc at least 1.1" in refused.stdout
    assert "below 1.1" in refused.stdout
    assert "there is no champion to compare with" in refused.stdout
    assert "refused" in refused.stdout
    assert not store.client.search_registered_models()

    rules.write_text("rules:\n- {figure: flag/pr_auc, at_least: 0.1}\n- {figure: contrast/must_keep, gain: 0.5}\n")
    dry = json.loads(work.run("promote", store.strong, "--rules", rules, "--dry-run", "--json").stdout)
    assert (dry["refused"], dry["promoted"], dry["version"]) == (False, False, None)
    assert not store.client.search_registered_models()

    done = work.run("promote", store.strong, "--rules", rules, "--why", "first that is good enough")
    assert "models:/fimiscope/1 is @champion" in done.stdout
    assert store.aliases() == {"champion": "1"}
    tags = store.tags("1")
    assert tags["promoted.why"] == "first that is good enough"
    assert tags["promoted.from"] == "none"
    assert tags["promoted.when"].startswith("20")
    assert "flag/pr_auc at least 0.1" in tags["promoted.rules"]
    assert bundle_folder("models:/fimiscope@champion") == bundle_folder(f"runs:/{store.strong}")


def test_the_shipped_rules_compare_on_the_same_texts_and_the_same_suite(champion: Store) -> None:
    found = promote(champion.strong, Rules.load(), dry_run=True)
    by_rule = {str(finding.rule): finding for finding in found.findings}
    gain = by_rule["flag/pr_auc gain 0"]
    figures = [champion.client.get_run(run).data.metrics for run in (champion.strong, champion.weak)]
    assert gain.challenger == figures[0]["test/flag/pr_auc"]
    assert gain.champion == figures[1]["test/flag/pr_auc"]
    assert gain.difference is not None
    assert gain.difference.value == pytest.approx(gain.challenger - gain.champion)
    assert gain.difference.low < gain.difference.value < gain.difference.high
    kept = by_rule["contrast/must_keep not worse by 0.02"]
    texts = [json.loads(champion.artifact(run, "contrast.json"))["texts"] for run in (champion.strong, champion.weak)]
    both = [(one["passed"], other["passed"]) for one, other in zip(*texts, strict=True) if one["must"] == "keep"]
    gains = [mine - theirs for mine, theirs in both if None not in (mine, theirs)]
    assert kept.difference is not None
    assert kept.difference.value == pytest.approx(sum(gains) / len(gains))


def test_a_refusal_changes_nothing_and_says_both_figures(champion: Store) -> None:
    refused = by(champion.strong, figure="flag/pr_auc", gain=2)
    assert refused.refused
    assert not refused.promoted
    [finding] = refused.findings
    assert None not in (finding.challenger, finding.champion, finding.difference)
    assert finding.reason == "the difference is below +2"
    unmeasured = by(champion.strong, figure="flag/no_such_figure", not_worse_by=1)
    assert unmeasured.refused
    assert champion.aliases() == {"champion": "1"}
    assert len(champion.client.search_model_versions(f"name = '{NAME}'")) == 1


def test_a_promotion_keeps_the_former_as_previous_and_a_rollback_brings_it_back(champion: Store) -> None:
    done = by(champion.strong, figure="flag/pr_auc", gain=-1)
    assert (done.version, done.former, done.promoted) == ("2", "1", True)
    assert champion.aliases() == {"champion": "2", "previous": "1"}
    assert champion.tags("2")["promoted.from"] == "1"
    assert "flag/pr_auc gain -1" in champion.tags("2")["promoted.rules"]
    with pytest.raises(TrackingError, match="is the champion already"):
        by(champion.strong, figure="flag/pr_auc", gain=-1)

    said = champion.workplace.run("rollback", "--why", "misreads ads").stdout
    assert "models:/fimiscope/1 is @champion again" in said
    assert champion.aliases() == {"champion": "1", "previous": "2"}
    assert champion.tags("2")["rolled_back.why"] == "misreads ads"
    assert champion.tags("2")["rolled_back.to"] == "1"
    rollback()
    assert champion.aliases() == {"champion": "2", "previous": "1"}


def test_an_alias_of_ones_own_has_a_previous_of_its_own(champion: Store) -> None:
    by(champion.strong, alias="trial", figure="flag/pr_auc", at_least=0)
    by(champion.weak, alias="trial", figure="flag/pr_auc", gain=-1)
    assert champion.aliases() == {"champion": "1", "trial": "1", "previous-trial": "2"}


def test_a_champion_that_starts_anew_has_nothing_to_go_back_to(champion: Store) -> None:
    by(champion.strong, figure="flag/pr_auc", gain=-1)
    champion.client.delete_registered_model_alias(NAME, "champion")
    by(champion.strong, figure="flag/pr_auc", at_least=0)
    assert champion.aliases() == {"champion": "2"}
    with pytest.raises(TrackingError, match="no version of fimiscope had it before"):
        rollback()


def test_a_codebook_that_changed_under_one_version_is_not_compared(champion: Store) -> None:
    logged = champion.artifact(champion.strong, "codebook.json")
    changed = json.loads(logged)
    changed["roles"][0]["flags"] = not changed["roles"][0]["flags"]
    champion.client.log_dict(champion.strong, changed, "codebook.json")
    try:
        with pytest.raises(TrackingError, match="have different codebooks"):
            by(champion.strong, figure="flag/pr_auc", gain=-1)
        translated = json.loads(logged)
        translated["roles"][0]["definition"]["sw"] = "Invented."
        champion.client.log_dict(champion.strong, translated, "codebook.json")
        by(champion.strong, figure="flag/pr_auc", gain=-1)
        assert champion.aliases()["champion"] == "2"
    finally:
        champion.client.log_text(champion.strong, logged, "codebook.json")


def test_a_rollback_without_a_previous_version_says_so(champion: Store) -> None:
    assert "no version of fimiscope had it before" in champion.workplace.refusal("rollback")


@pytest.mark.parametrize(
    ("run", "said"),
    [("elsewhere", "were not tested on the same held-out texts"), ("0" * 32, "is not in the store")],
)
def test_what_cannot_be_compared_is_refused_in_one_line(champion: Store, run: str, said: str) -> None:
    with pytest.raises(TrackingError, match=said) as raised:
        by(getattr(champion, run, run), figure="flag/pr_auc", gain=-1)
    assert "\n" not in str(raised.value)
    assert champion.aliases() == {"champion": "1"}


def test_a_crash_between_the_two_aliases_leaves_the_former_champion_and_the_command_can_be_repeated(
    champion: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    move = MlflowClient.set_registered_model_alias

    def crash(self: MlflowClient, name: str, alias: str, version: str) -> None:
        if alias == "champion":
            raise KeyboardInterrupt
        move(self, name, alias, version)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MlflowClient, "set_registered_model_alias", crash)
        by(champion.strong, figure="flag/pr_auc", gain=-1)
    assert champion.aliases() == {"champion": "1", "previous": "1"}
    assert by(champion.strong, figure="flag/pr_auc", gain=-1).version == "2"
    assert champion.aliases() == {"champion": "2", "previous": "1"}


def test_who_loses_a_race_is_told_and_moves_nothing(champion: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    other = champion.client
    model = other.get_model_version(NAME, "1")
    second = str(other.create_model_version(NAME, model.source, run_id=model.run_id).version)
    compare = promotion.compare

    def while_another_promotes(*args: Any) -> Any:
        other.set_registered_model_alias(NAME, "champion", second)
        return compare(*args)

    monkeypatch.setattr(promotion, "compare", while_another_promotes)
    with pytest.raises(TrackingError, match=f"somebody else moved @champion to version {second}"):
        by(champion.strong, figure="flag/pr_auc", gain=-1)
    assert champion.aliases() == {"champion": second}


def test_the_model_card_is_an_artifact_and_its_summary_describes_the_version(champion: Store) -> None:
    card = champion.artifact(champion.weak, "card.md")
    for words in (MUST_NOT, "| invented | en |", "source majority", "calibration error", "kinds that it passes least"):
        assert words in card
    description = champion.client.get_model_version(NAME, "1").description
    assert ("shortened" in description) == (len(card.strip()) > LONGEST_DESCRIPTION)
    assert MUST_NOT in description
    assert "Figures on the held-out part" in description
    assert len(description) <= LONGEST_DESCRIPTION
