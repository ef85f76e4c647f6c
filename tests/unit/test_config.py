"""Configs: every shipped one loads, every fault is told at once with its place, and what was resolved can be read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fimiscope.config import AnnotatedSource, Config, RangeConfig
from fimiscope.cross_validation import on_fold
from fimiscope.errors import ConfigError

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("**/*.yaml"))
SMALL = "name: small\ncorpus:\n  sources:\n    - kind: embedded\nencoder: tiny\n"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def faults(path: Path, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Config.load(path, overrides)
    return [line.strip() for line in str(caught.value).splitlines()]


def test_there_are_configs() -> None:
    names = {path.stem for path in CONFIGS}
    assert {"quickstart", "baseline", "probe", "finetune", "hub-large"} <= names


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_loads(path: Path) -> None:
    config = Config.load(path)
    assert config.name == path.stem
    comment = path.read_text(encoding="utf-8").split("name:")[0]
    assert f"fimiscope train configs/{path.name}" in comment, "each says how it is run"
    if config.tuning is not None:
        assert f"fimiscope tune configs/{path.name}" in comment


def test_all_faults_are_told_at_once_with_place_and_legal_values(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(
        """
name: Not A Name
sead: 3
corpus:
  sources:
    - {kind: embedded, hold_uot: 1}
    - {kind: magic}
  near_copy: 0
encoder: tiny
windows: {size: 100, overlap: 60}
training: {epochs: 0, precision: fp8, epoch: 3, trainable_layers: -1}
""",
        encoding="utf-8",
    )
    lines = faults(path)
    assert lines[0] == f"config {path} cannot be used:"
    told = {line.split(":")[0]: line for line in lines[1:]}
    assert set(told) == {
        "name",
        "sead",
        "corpus.sources.0.embedded.hold_uot",
        "corpus.sources.1",
        "corpus.near_copy",
        "windows",
        "training.epochs",
        "training.precision",
        "training.epoch",
        "training.trainable_layers",
    }
    assert "greater than or equal to 1, not 0" in told["training.epochs"]
    assert "'fp32', 'bf16' or 'fp16', not 'fp8'" in told["training.precision"]
    assert "'embedded', 'annotated', 'labelled'" in told["corpus.sources.1"]
    assert "overlap must be at most half of size" in told["windows"]
    assert "known here: " in told["sead"]
    assert "seed" in told["sead"]
    assert "hold_out" in told["corpus.sources.0.embedded.hold_uot"]
    assert "epochs" in told["training.epoch"]


@pytest.mark.parametrize(
    ("override", "place"),
    [
        ("training.trainable_layers=some", "training.trainable_layers"),
        ("training.trainable_layers=1.5", "training.trainable_layers"),
        ("training.trainable_layers=-1", "training.trainable_layers"),
        ("seed=-1", "seed"),
        ("corpus.sources=[]", "corpus.sources"),
        ("corpus.sources.0.hold_out={valid: 0.6, test: 0.4}", "corpus.sources.0.embedded.hold_out"),
        ("windows.size=8", "windows.size"),
        ("lexical.words=[1]", "lexical.words"),
        ("lexical.words=[2, 1]", "lexical"),
        ("lexical.words=[0, 1]", "lexical"),
        ("decision.abstain_share=0.5", "decision.abstain_share"),
        ("training.learning_rate=fast", "training.learning_rate"),
    ],
)
def test_an_impossible_value_is_refused_at_its_place(small: Path, override: str, place: str) -> None:
    lines = faults(small, override)
    assert lines[1:]
    assert all(line.startswith(place) for line in lines[1:]), lines


@pytest.mark.parametrize("other", ["hold_out: {test: 0.2}", "latest: [letters]", "outlets: [posts]"])
def test_a_fold_stands_in_place_of_shares_dates_and_outlets(small: Path, other: str) -> None:
    fold = "{kind: annotated, fold: blog}"
    assert Config.load(small, [f"corpus.sources=[{fold}]"]).corpus.sources[0].fold == "blog"
    [_, line] = faults(small, f"corpus.sources=[{fold[:-1]}, {other}}}]")
    assert line.startswith("corpus.sources.0.annotated: fold says which texts are held out: take out ")
    assert line.endswith(other.split(":")[0])


def test_something_must_score(small: Path) -> None:
    assert faults(small, "encoder=null")[1] == "(whole file): give an encoder, a lexical section, or both"
    assert Config.load(small, ["encoder=null", "lexical={}"]).encoder is None


def test_overrides_reach_every_depth(small: Path) -> None:
    config = Config.load(
        small,
        [
            "training.epochs=7",
            "training.trainable_layers=all",
            "training.learning_rate=1e-4",
            "corpus.sources.0.hold_out.valid=0.3",
            "lexical.words=[1, 3]",
            "lexical.buckets=4096",
            "name=other",
            "seed= 5",
        ],
    )
    assert config.training.epochs == 7
    assert config.training.trainable_layers == "all"
    assert config.training.learning_rate == 1e-4
    assert config.corpus.sources[0].hold_out.valid == 0.3
    assert config.lexical is not None
    assert (config.lexical.words, config.lexical.buckets) == ((1, 3), 4096)
    assert (config.name, config.seed) == ("other", 5)
    assert config.training.batch == Config.load(small).training.batch


def test_an_adapter_without_layers_to_adapt_is_refused(small: Path) -> None:
    line = faults(small, "training.adapter_rank=4", "training.trainable_layers=0")[1]
    assert line == "training: adapter_rank needs trainable_layers of 1 or more"


def test_the_last_override_counts(small: Path) -> None:
    assert Config.load(small, ["seed=1", "seed=2"]).seed == 2


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("training.epochs", "expected key=value"),
        ("=3", "expected key=value"),
        ("a..b=3", "expected key=value"),
        ("corpus.sources.9.kind=embedded", "'9' leads nowhere"),
        ("corpus.sources.9=embedded", "'9' leads nowhere"),
        ("name.first=x", "'first' leads nowhere"),
        ("seed=[1", "not valid YAML"),
    ],
)
def test_an_override_that_cannot_be_applied_is_refused(small: Path, override: str, said: str) -> None:
    [line] = faults(small, override)
    assert line.startswith(f"--set {override}: ")
    assert said in line


def test_an_override_with_an_unknown_key_is_refused(small: Path) -> None:
    assert faults(small, "training.epoch=3")[1].startswith(
        "training.epoch: unknown key (known here: adapter_rank, batch, "
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name: [", "not valid YAML"),
        (b"\xff\xfe\x00", "not valid YAML"),
        (b"", "expected a mapping"),
        (b"- a", "expected a mapping of keys, found list"),
    ],
)
def test_a_file_that_is_no_config_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    [line] = faults(path)
    assert said in line


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    assert faults(tmp_path / "nowhere.yaml") == [f"config {tmp_path / 'nowhere.yaml'}: No such file or directory"]


def test_a_config_cannot_be_changed(small: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config.load(small).seed = 3  # type: ignore[misc]


def test_the_resolved_config_is_flat_and_spelled_out(small: Path) -> None:
    flat = Config.load(small, ["lexical={}"]).flat()
    assert flat["corpus.sources.0.kind"] == "embedded"
    assert flat["lexical.words"] == "[1, 2]"
    assert flat["training.trainable_layers"] == "6"
    assert flat["codebook"] == "None"
    assert all(isinstance(value, str) for value in flat.values())


@settings(deadline=None, max_examples=25)
@given(
    epochs=st.integers(1, 99),
    rate=st.floats(1e-8, 0.5),
    layers=st.one_of(st.integers(0, 24), st.just("all")),
    size=st.integers(16, 8192),
    texts=st.booleans(),
    lexical=st.booleans(),
)
def test_a_resolved_config_reads_back_as_itself(
    tmp_path_factory: pytest.TempPathFactory,
    epochs: int,
    rate: float,
    layers: int | str,
    size: int,
    texts: bool,
    lexical: bool,
) -> None:
    document = yaml.safe_load(SMALL) | {
        "training": {"epochs": epochs, "learning_rate": rate, "trainable_layers": layers},
        "windows": {"size": size, "overlap": size // 2},
        "tracking": {"texts": texts},
        "lexical": {} if lexical else None,
    }
    config = Config.model_validate(document)
    path = tmp_path_factory.mktemp("resolved") / "config.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    assert Config.load(path) == config


SPACE = "{training.learning_rate: {low: 1e-5, high: 1e-3, log: true}, training.epochs: [1, 2]}"


def test_a_space_is_read_and_is_no_part_of_the_resolved_config(small: Path) -> None:
    config = Config.load(small, [f"tuning.space={SPACE}"])
    assert config.tuning is not None
    assert config.tuning.metric == "valid/flag/pr_auc"
    rate, epochs = config.tuning.space.values()
    assert isinstance(rate, RangeConfig)
    assert (rate.low, rate.high, rate.log, rate.whole) == (1e-5, 1e-3, True, False)
    assert epochs == (1, 2)
    plain = Config.load(small)
    assert (config.to_yaml(), config.flat()) == (plain.to_yaml(), plain.flat())


@pytest.mark.parametrize(
    ("space", "place", "said"),
    [
        ("{}", "", "at least 1"),
        (
            "{training.epochs: 3}",
            ".training.epochs",
            "must be a list of values, or a range {low: …, high: …, log: true",
        ),
        ("{training.epochs: [1]}", "", "training.epochs: give two values or more, each once"),
        ("{training.epochs: [2, 2, 3]}", "", "training.epochs: give two values or more, each once"),
        ("{training.epochs: [1, [2]]}", ".training.epochs.list.1", "must be a number, a word, true, false or null"),
        ("{training.epochs: {low: few, high: 3}}", ".training.epochs.range.low", "must be a number, not 'few'"),
        ("{training.epochs: {low: 1, hi: 3}}", ".training.epochs.range.hi", "unknown key (known here: high, log, low)"),
        ("{training.epochs: {low: 3, high: 1}}", ".training.epochs.range", "low must be below high"),
        ("{training.warmup: {low: 0, high: 0.5, log: true}}", ".training.warmup.range", "low must be above 0"),
        ("{training.warmup: {low: 0, high: .inf}}", ".training.warmup.range", "low and high must be finite numbers"),
        ("{training.warmup: {low: .nan, high: 1}}", ".training.warmup.range", "low and high must be finite numbers"),
    ],
)
def test_a_space_that_is_none_is_refused_at_its_place(small: Path, space: str, place: str, said: str) -> None:
    lines = faults(small, f"tuning.space={space}")
    [line] = [line for line in lines[1:] if said in line]
    assert line.startswith(f"tuning.space{place}: ")


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ("{training.rate: [1, 2]}", "training.rate: unknown key (known here: adapter_rank, "),
        ("{training.epochs: [0, 2]}", "training.epochs: input should be greater than or equal to 1, not 0"),
        ("{training.epochs: {low: 1.0, high: 4.0}}", "training.epochs: input should be a valid integer"),
        ("{training.epochs.first: [1, 2]}", "training.epochs.first: 'first' leads nowhere"),
        (
            "{training.adapter_rank: [null, 8], training.trainable_layers: [0, 1]}",
            "training: adapter_rank needs trainable_layers of 1 or more",
        ),
        ("{windows.size: {low: 32, high: 256}}", "windows: overlap must be at most half of size"),
        ("{decision.base_rate: [0.1, 0.2]}", "decision.base_rate: does not change a trial's validation figures; with"),
        ("{lexical.strength: [1, 2]}", "lexical.strength: does not change a trial's validation figures; with an"),
    ],
)
def test_a_space_that_holds_an_unusable_config_is_refused(small: Path, space: str, said: str) -> None:
    [_, line] = faults(small, f"tuning.space={space}")
    assert line.startswith("(whole file): tuning.space: ")
    assert said in line


def test_no_figure_of_the_test_part_can_be_searched_for(small: Path) -> None:
    [_, line] = faults(small, f"tuning.space={SPACE}", "tuning.metric=test/flag/pr_auc")
    assert line.startswith("tuning.metric: input should be 'valid/flag/pr_auc', ")


def test_other_values_make_another_config(small: Path) -> None:
    config = Config.load(small, [f"tuning.space={SPACE}"])
    changed = config.with_values({"training.epochs": 7, "encoder_layers": 2})
    assert changed == Config.load(small, ["training.epochs=7", "encoder_layers=2"])
    with pytest.raises(ConfigError, match=r"training.epochs=0 cannot be used:\n  training.epochs: input should be"):
        config.with_values({"training.epochs": 0})


def test_on_a_fold_only_its_own_texts_are_tested_on() -> None:
    placed = on_fold(Config.load(CONFIGS[0].with_name("africa-small.yaml")), "blog")
    annotated, *others = placed.corpus.sources
    assert isinstance(annotated, AnnotatedSource)
    assert annotated.fold == "blog"
    assert others
    assert {source.hold_out.test + source.hold_out.valid for source in others} == {0}
