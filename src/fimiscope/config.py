"""One typed, frozen tree per training run, read from a YAML file with `--set a.b=c` on top.

Every default lives here and nowhere else. Unknown keys and impossible values are refused together.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from fimiscope.errors import ConfigError
from fimiscope.yaml_files import read_yaml

NEAR_COPY = 0.7
"""Jaccard similarity of word shingles that makes two texts near-copies, where nothing else is said."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


SectionType = TypeVar("SectionType", bound=Section)
Share = Annotated[float, Field(ge=0, lt=1)]


class Shares(Section):
    """How much of a source is held out, by near-copy clusters, families, outlets or dates (never single texts)."""

    valid: Share = Field(default=0.15, description="share for calibration, thresholds and early stopping")
    test: Share = Field(default=0.25, description="share that only the final figures see")

    @model_validator(mode="after")
    def _leave_something_to_learn_from(self) -> Shares:
        if self.valid + self.test >= 1:
            raise ValueError("valid + test must stay below 1")
        return self


class EmbeddedSource(Section):
    """The invented texts that come with the project, split by contrast family."""

    kind: Literal["embedded"]
    hold_out: Shares = Shares()


class AnnotatedSource(Section):
    """The project's labels of real texts, joined to texts that you hold yourself."""

    kind: Literal["annotated"]
    annotations: Path | None = Field(default=None, description="labels file; the shipped one when absent")
    texts: Path | None = Field(
        default=None, description="folder of corpus jsonl files; the variable FIMISCOPE_TEXTS when absent"
    )
    labelled_characters: int = Field(
        default=2400,
        ge=100,
        description="characters of a text that its labellers read; training sees no more than they did",
    )
    hold_out: Shares = Shares()
    latest: tuple[str, ...] = Field(default=(), description="corpora of which the latest texts are held out")
    outlets: tuple[str, ...] = Field(default=(), description="corpora of which whole outlets or accounts are held out")
    fold: str | None = Field(
        default=None,
        description="a fixed split in place of hold_out, latest and outlets: a name that `fimiscope corpus folds` "
        "lists, or a fold file (.json)",
    )

    @model_validator(mode="after")
    def _a_fold_says_all(self) -> AnnotatedSource:
        others = {"hold_out": self.hold_out != Shares(), "latest": self.latest, "outlets": self.outlets}
        if self.fold is not None and (given := [name for name, value in others.items() if value]):
            raise ValueError(f"fold says which texts are held out: take out {', '.join(given)}")
        return self


class LabelledSource(Section):
    """A labelled file of your own (jsonl, csv or parquet); fields without a label are masked in the loss."""

    kind: Literal["labelled"]
    path: Path = Field(description="the file; relative to the folder in which the command runs")
    columns: dict[str, str] = Field(default_factory=dict, description="our field name: your column name")
    hold_out: Shares = Shares()


Source = Annotated[EmbeddedSource | AnnotatedSource | LabelledSource, Field(discriminator="kind")]


class CorpusConfig(Section):
    sources: tuple[Source, ...] = Field(min_length=1, description="what the training table is made of")
    near_copy: float = Field(
        default=NEAR_COPY,
        gt=0,
        le=1,
        description="Jaccard similarity of word shingles that makes two texts near-copies",
    )
    low_confidence_weight: float = Field(default=0.5, gt=0, le=1, description="loss weight of a label marked as unsure")


class WindowsConfig(Section):
    size: int = Field(default=256, ge=16, le=8192, description="tokens of a window, special tokens and prefix included")
    overlap: int = Field(default=32, ge=0, description="tokens that neighbouring windows share")
    most: int = Field(
        default=64, ge=1, description="windows read of one article; more is cut with a note in the verdict"
    )

    @model_validator(mode="after")
    def _windows_must_advance(self) -> WindowsConfig:
        if self.overlap > self.size // 2:
            raise ValueError("overlap must be at most half of size")
        return self


class LexicalConfig(Section):
    """TF-IDF over hashed word and character n-grams with logistic regression."""

    words: tuple[int, int] = Field(default=(1, 2), description="shortest and longest word n-gram")
    characters: tuple[int, int] = Field(
        default=(3, 5), description="shortest and longest character n-gram inside words"
    )
    buckets: int = Field(default=2**18, ge=2**10, le=2**22, description="size of the hashed feature space")
    strength: float = Field(
        default=4.0, gt=0, description="inverse of the regularisation (C of the logistic regression)"
    )

    @field_validator("words", "characters")
    @classmethod
    def _lengths_ascend(cls, given: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= given[0] <= given[1]:
            raise ValueError("must be shortest and longest, from 1 on")
        return given


class TrainingConfig(Section):
    trainable_layers: int | Literal["all"] = Field(
        default=6,
        description="upper encoder layers that learn; 0 trains the heads alone, all also trains the embeddings",
    )
    adapter_rank: int | None = Field(
        default=None,
        ge=1,
        description="rank of the updates that the trainable layers learn in place of their weights (embeddings stay); "
        "the bundle also holds them as an adapter, from which `encoder: path:…` starts",
    )
    head_epochs: int = Field(
        default=8,
        ge=0,
        description="passes in which the heads learn alone on cached states, before upper layers move with them",
    )
    epochs: int = Field(default=4, ge=1, description="passes over the training part")
    most_steps: int | None = Field(default=None, ge=1, description="optimiser steps after which training stops anyway")
    batch: int = Field(default=16, ge=1, description="articles of an optimiser step, per process")
    learning_rate: float = Field(default=5e-5, gt=0, lt=1, description="peak rate of the encoder layers")
    head_learning_rate: float = Field(default=1e-3, gt=0, lt=1, description="peak rate of the heads")
    warmup: float = Field(default=0.1, ge=0, lt=1, description="share of the steps in which the rate rises")
    weight_decay: float = Field(default=0.01, ge=0, description="decoupled weight decay")
    patience: int = Field(
        default=2, ge=1, description="epochs without a better validation loss after which training stops"
    )
    evidence_weight: float = Field(default=0.5, ge=0, description="weight of the loss on annotated evidence words")
    precision: Literal["fp32", "bf16", "fp16"] = Field(default="fp32", description="arithmetic of the training steps")

    @model_validator(mode="after")
    def _an_adapter_needs_layers(self) -> TrainingConfig:
        if self.adapter_rank is not None and self.trainable_layers == 0:
            raise ValueError("adapter_rank needs trainable_layers of 1 or more")
        return self

    @field_validator("trainable_layers", mode="before")
    @classmethod
    def _layers_are_a_count(cls, given: Any) -> Any:
        if given == "all" or (isinstance(given, int) and not isinstance(given, bool) and given >= 0):
            return given
        raise ValueError("must be a count of 0 or more, or all")


class DecisionConfig(Section):
    base_rate: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="share of flagged articles to expect where the model is used; absent: as in the validation part",
    )
    abstain_share: float = Field(
        default=0.05,
        ge=0,
        lt=0.5,
        description="share of validation articles nearest the threshold that the model leaves undecided",
    )
    high_recall: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="recall that the profile high-recall promises by its calibrated probabilities",
    )
    high_precision: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="precision that the profile high-precision promises likewise",
    )


class EvaluationConfig(Section):
    contrast: bool = Field(default=False, description="measure on the contrast suite too: 1,041 short texts")


class TrackingConfig(Section):
    experiment: str = Field(default="fimiscope", min_length=1, description="MLflow experiment")
    texts: bool = Field(default=True, description="log evidence words of test articles with the predictions")


def _number(given: Any) -> Any:
    try:
        # YAML reads 1e-4, without a point, as a string.
        return float(given) if isinstance(given, str) else given + 0
    except (TypeError, ValueError):
        raise ValueError("must be a number") from None


def _plain(given: Any) -> Any:
    if given is None or isinstance(given, bool | int | float | str):
        return given
    raise ValueError("must be a number, a word, true, false or null")


_UNEVEN = 0.618
Choice = bool | int | float | str | None
Number = Annotated[int | float, BeforeValidator(_number)]
Metric = Literal[
    "valid/flag/pr_auc", "valid/flag/f1", "valid/role/macro_f1_all", "valid/narratives/samples_f1", "valid/africa/f1"
]


class RangeConfig(Section):
    """Numbers between two ends; whole numbers where both ends are."""

    low: Number = Field(description="smallest value")
    high: Number = Field(description="largest value")
    log: bool = Field(default=False, description="draw evenly on the logarithmic scale")

    @model_validator(mode="after")
    def _ends_ascend(self) -> RangeConfig:
        if not all(-math.inf < end < math.inf for end in (self.low, self.high)):
            raise ValueError("low and high must be finite numbers")
        if self.low >= self.high:
            raise ValueError("low must be below high")
        if self.log and self.low <= 0:
            raise ValueError("on the logarithmic scale low must be above 0")
        return self

    @property
    def whole(self) -> bool:
        """Whether whole numbers alone are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)


def _list_or_range(given: Any) -> str | None:
    return "list" if isinstance(given, list | tuple) else "range" if isinstance(given, dict | RangeConfig) else None


Values = Annotated[
    Annotated[tuple[Annotated[Choice, BeforeValidator(_plain)], ...], Tag("list")]
    | Annotated[RangeConfig, Tag("range")],
    Discriminator(
        _list_or_range,
        custom_error_type="values",
        custom_error_message="must be a list of values, or a range {low: …, high: …, log: true}",
    ),
]


class TuningConfig(Section):
    """What `fimiscope tune` tries; `fimiscope train` passes it over."""

    space: dict[str, Values] = Field(
        min_length=1, description="key of this config: a list of values, or {low, high, log}"
    )
    metric: Metric = Field(
        default="valid/flag/pr_auc", description="figure of the validation part that is to become as high as possible"
    )
    trials: int = Field(default=20, ge=1, description="trials of the whole study, those of earlier calls included")
    minutes: float | None = Field(
        default=None, gt=0, description="after so many minutes of one call no trial begins; absent: no limit"
    )

    @field_validator("space")
    @classmethod
    def _there_is_something_to_choose(cls, given: dict[str, Any]) -> dict[str, Any]:
        for key, values in given.items():
            if isinstance(values, tuple) and len({json.dumps(value) for value in values}) < max(2, len(values)):
                raise ValueError(f"{key}: give two values or more, each once")
        return given

    def extremes(self) -> dict[str, tuple[Choice, ...]]:
        """Of each key all values of its list, or both ends of its range and a value between that is not whole."""

        def of(given: RangeConfig) -> tuple[Choice, ...]:
            between = () if given.whole else (given.low + _UNEVEN * (given.high - given.low),)
            return (given.low, *between, given.high)

        return {key: of(values) if isinstance(values, RangeConfig) else values for key, values in self.space.items()}


class Config(Section):
    """Everything that decides a training run."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="folder of the bundle below models/, and run name")
    seed: int = Field(default=13, ge=0, description="seed of training; the split into parts does not depend on it")
    codebook: Path | None = Field(default=None, description="codebook YAML; the shipped one when absent")
    corpus: CorpusConfig
    encoder: str | None = Field(
        default=None, description="encoder reference: shipped:…, pip:…, path:…, hub:… or tiny; see `fimiscope encoders`"
    )
    encoder_layers: int | None = Field(
        default=None, ge=1, description="use the encoder's lowest layers alone, this many; absent: all"
    )
    windows: WindowsConfig = WindowsConfig()
    lexical: LexicalConfig | None = Field(
        default=None, description="the word-and-character model; with an encoder, the two are blended"
    )
    training: TrainingConfig = TrainingConfig()
    decision: DecisionConfig = DecisionConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    tracking: TrackingConfig = TrackingConfig()
    tuning: TuningConfig | None = Field(
        default=None, exclude=True, description="what `fimiscope tune` tries; no part of the resolved config"
    )

    @model_validator(mode="after")
    def _something_must_score(self) -> Config:
        if self.encoder is None and self.lexical is None:
            raise ValueError("give an encoder, a lexical section, or both")
        return self

    @model_validator(mode="after")
    def _the_space_holds_usable_configs(self) -> Config:
        if self.tuning is None:
            return self
        bearing = ("lexical",) if self.encoder is None else ("training", "windows", "encoder_layers")
        faults = [
            f"{key}: does not change a trial's validation figures; {'with' if self.encoder else 'without'} an encoder "
            f"a trial can vary keys of {', '.join(bearing)}"
            for key in self.tuning.space
            if key.partition(".")[0] not in bearing
        ]
        extremes = self.tuning.extremes()
        # Two at a time: no rule between keys joins more than two.
        for keys in combinations(extremes, 1 if len(extremes) == 1 else 2):
            for values in product(*(extremes[key] for key in keys)):
                try:
                    self.with_values(dict(zip(keys, values, strict=True)))
                except ConfigError as error:
                    faults += [line.strip() for line in str(error).splitlines()[1:] or [str(error)]]
        if faults:
            raise ValueError("tuning.space: " + "; ".join(dict.fromkeys(faults)))
        return self

    def with_values(self, values: Mapping[str, Choice]) -> Config:
        """This config with other values at the keys `a.b.c`, and no tuning section.

        Raises:
            ConfigError: names every unknown key and impossible value, with its place.
        """
        document = self.model_dump(mode="json")
        for key, value in values.items():
            _put(document, key.split("."), value, at=key)
        try:
            return Config.model_validate(document)
        except ValidationError as error:
            said = ", ".join(f"{key}={value}" for key, value in values.items())
            raise ConfigError(f"{said} cannot be used:\n" + "\n".join(_faults(error, Config))) from error

    @classmethod
    def load(cls, path: Path | str, overrides: Sequence[str] = ()) -> Config:
        """Read a config file and apply `key.key=value` overrides (values are YAML).

        Raises:
            ConfigError: names every unknown key and impossible value, with its place.
        """
        source = Path(path)
        document = read_yaml(source, "config", ConfigError)
        for override in overrides if isinstance(document, dict) else ():
            _apply(document, override)
        return validated(cls, document, f"config {source}")

    def to_yaml(self) -> str:
        """The resolved config, every default spelled out."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def flat(self) -> dict[str, str]:
        """The resolved config as `a.b.c` keys, for parameter logging."""
        flat: dict[str, str] = {}

        def walk(prefix: str, value: Any) -> None:
            if isinstance(value, dict):
                for key, inner in value.items():
                    walk(f"{prefix}.{key}" if prefix else str(key), inner)
            elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
                for number, inner in enumerate(value):
                    walk(f"{prefix}.{number}", inner)
            else:
                flat[prefix] = str(value)

        walk("", self.model_dump(mode="json"))
        return flat


def validated(kind: type[SectionType], document: Any, place: str) -> SectionType:
    """The document as a section of this kind; `place` names it in messages.

    Raises:
        ConfigError: names every unknown key and impossible value, with its place.
    """
    if not isinstance(document, dict):
        raise ConfigError(f"{place}: expected a mapping of keys, found {type(document).__name__}")
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{place} cannot be used:\n" + "\n".join(_faults(error, kind))) from error


def _apply(document: dict[str, Any], override: str) -> None:
    path, separator, value = override.partition("=")
    keys = path.strip().split(".")
    if not separator or not all(keys):
        raise ConfigError(f"--set {override}: expected key=value, for example training.epochs=2")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override}: the value is not valid YAML") from error
    _put(document, keys, parsed, at=f"--set {override}")


def _put(document: dict[str, Any], keys: Sequence[str], value: Any, *, at: str) -> None:
    place: Any = document
    for key in keys[:-1]:
        if isinstance(place, list) and key.isdigit() and int(key) < len(place):
            place = place[int(key)]
        elif isinstance(place, dict):
            if place.get(key) is None:
                place[key] = {}
            place = place[key]
        else:
            raise ConfigError(f"{at}: '{key}' leads nowhere")
    if isinstance(place, dict):
        place[keys[-1]] = value
    elif isinstance(place, list) and keys[-1].isdigit() and int(keys[-1]) < len(place):
        place[int(keys[-1])] = value
    else:
        raise ConfigError(f"{at}: '{keys[-1]}' leads nowhere")


def _faults(error: ValidationError, kind: type[Section]) -> list[str]:
    lines = []
    found = error.errors()
    for fault in found:
        if fault["type"] == "too_short" and any(_inside(other["loc"], fault["loc"]) for other in found):
            # Refused entries are not counted: that too few are left says nothing new.
            continue
        place = ".".join(str(part) for part in fault["loc"]) or "(whole file)"
        if fault["type"] == "extra_forbidden":
            known = _known_keys(fault["loc"], kind)
            lines.append(f"  {place}: unknown key" + (f" (known here: {', '.join(known)})" if known else ""))
        else:
            message = fault["msg"].removeprefix("Value error, ")
            given = fault.get("input")
            shown = f", not {given!r}" if isinstance(given, str | int | float | bool) else ""
            lines.append(f"  {place}: {message[0].lower()}{message[1:]}{shown}")
    return lines


def _inside(location: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(location) > len(outer) and location[: len(outer)] == outer


def _known_keys(location: tuple[int | str, ...], kind: type[Section]) -> list[str]:
    section: Any = kind
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        kinds = {
            "embedded": EmbeddedSource,
            "annotated": AnnotatedSource,
            "labelled": LabelledSource,
            "range": RangeConfig,
        }
        if part in kinds:
            section = kinds[str(part)]
            continue
        annotation = section.model_fields[str(part)].annotation if part in section.model_fields else None
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        found = [kind for kind in candidates if isinstance(kind, type) and issubclass(kind, Section)]
        section = found[0] if found else section
    return sorted(section.model_fields)
