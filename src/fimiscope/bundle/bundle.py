"""A loaded bundle: everything that predicting needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fimiscope.bundle import adapter, files
from fimiscope.bundle.calibration import Calibrator, blend, head_slices, probabilities
from fimiscope.bundle.decisions import Decisions
from fimiscope.bundle.encoder import Device, EncoderModel, Reading
from fimiscope.bundle.gate import Gate, load_gate
from fimiscope.bundle.int8 import int8_graph
from fimiscope.bundle.ngrams import LexicalModel, Ngrams
from fimiscope.bundle.pooling import pool
from fimiscope.bundle.windows import Windowed, WindowLayout
from fimiscope.codebook import NO_ROLE, Codebook, Head
from fimiscope.errors import BundleError, CodebookError, ConfigError

Scorer = Literal["encoder", "lexical", "blend"]
Precision = Literal["fp32", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scored:
    """One document's scores.

    Attributes:
        probabilities: calibrated, shape (labels,), in the order of the heads.
        reading: the encoder's token scores, where the scorer uses the encoder.
    """

    probabilities: Floats
    reading: Reading | None


@dataclass(frozen=True, slots=True)
class Bundle:
    """Models, calibrators, thresholds and codebook of one training run.

    `scorers` are the ways in which this bundle can score: its single model, or both models and their blend.
    `config` is the resolved config, as YAML. `languages` counts the training texts of each language, as predicting
    identifies them; `None` in bundles that do not say. `learned` are the short digests of all texts that it learned
    from, validation texts and those behind its encoder's adapters too; without `files.LEARNED` only those of its own
    adapter. `gate`, where there is one, was fitted to the first of the scorers.
    `precision` and `device` are those with which its encoder was opened.
    """

    manifest: files.Manifest
    codebook: Codebook
    heads: tuple[Head, ...]
    encoder: EncoderModel | None
    lexical: LexicalModel | None
    calibrators: dict[str, Calibrator]
    decisions: dict[str, Decisions]
    config: str
    languages: dict[str, int] | None
    learned: frozenset[str]
    gate: Gate | None = None
    precision: Precision = "fp32"
    device: Device = "cpu"

    @classmethod
    def load(
        cls,
        folder: Path | str,
        *,
        threads: int | None = None,
        precision: Precision = "fp32",
        device: Device = "cpu",
    ) -> Bundle:
        """Verify and open a bundle folder; `threads`, `precision` and `device` are the encoder's.

        Raises:
            BundleError: the folder is no bundle, is damaged, or has another format.
            ConfigError: this machine cannot do that precision or has no such device.
            MissingExtra, OutputError: the encoder's int8 form cannot be made here.
        """
        if precision not in PRECISIONS:
            raise ConfigError(f"precision '{precision}' is unknown: choose {', '.join(PRECISIONS)}")
        if (precision, device) == ("int8", "cuda"):
            raise ConfigError("--precision int8 is for processor cores: use --precision fp32 with --device cuda")
        folder = Path(folder)
        manifest = files.verify(folder)
        try:
            bundle = cls(
                manifest=manifest,
                codebook=Codebook.load(folder / files.CODEBOOK),
                heads=tuple(
                    Head(head["name"], head["kind"], tuple(head["labels"]))
                    for head in files.read_json(folder / files.HEADS)
                ),
                encoder=_load_encoder(folder, manifest, threads=threads, precision=precision, device=device),
                lexical=_load_lexical(folder) if files.LEXICAL in manifest.files else None,
                calibrators={
                    name: Calibrator.from_dict(document)
                    for name, document in files.read_json(folder / files.CALIBRATION).items()
                },
                decisions={
                    name: Decisions.from_dict(document)
                    for name, document in files.read_json(folder / files.DECISIONS).items()
                },
                config=(folder / files.CONFIG).read_text(encoding="utf-8"),
                languages=files.read_json(folder / files.LANGUAGES) if files.LANGUAGES in manifest.files else None,
                learned=_load_learned(folder, manifest),
                gate=load_gate(folder) if files.GATE in manifest.files else None,
                precision=precision,
                device=device,
            )
        except (KeyError, TypeError, ValueError, AttributeError, CodebookError) as error:
            said = " ".join(str(error).split())
            raise BundleError(f"bundle {folder} contradicts its format: {type(error).__name__}: {said}") from error
        if bundle.heads != bundle.codebook.heads():
            raise BundleError(f"bundle {folder} contradicts its format: {files.HEADS} and {files.CODEBOOK} disagree")
        for name, parts in ((files.CALIBRATION, bundle.calibrators), (files.DECISIONS, bundle.decisions)):
            if missing := set(bundle.scorers) - set(parts):
                raise BundleError(f"bundle {folder}: {name} lacks {', '.join(sorted(missing))}; copy the bundle again")
        return bundle

    @property
    def scorers(self) -> tuple[Scorer, ...]:
        both = self.encoder is not None and self.lexical is not None
        if both:
            return ("blend", "encoder", "lexical")
        return ("encoder",) if self.encoder is not None else ("lexical",)

    @property
    def identity(self) -> dict[str, str]:
        """What verdicts and reports say about the model."""
        manifest = self.manifest
        return {
            "name": manifest.name,
            "version": manifest.version,
            "codebook": manifest.codebook,
            "trained_on": manifest.trained_on,
        }

    @property
    def slices(self) -> dict[str, slice]:
        """Where each head stands in the vector of labels."""
        return head_slices(self.heads)

    def role_positions(self) -> tuple[list[int], int]:
        """Positions among the role labels of the flagging roles, and of the role `none`."""
        roles = self.heads[0].labels
        return [roles.index(code) for code in self.codebook.flagging_roles], roles.index(NO_ROLE)

    def raw_logits(
        self, texts: Sequence[str], scorer: Scorer, documents: Sequence[Windowed] | None = None
    ) -> tuple[Floats, list[Reading | None]]:
        """Logits before the scorer's own calibration, shape (texts, labels), and the encoder's readings.

        `documents` are the texts' windows, where the caller has cut them already.
        """
        parts: dict[str, Floats] = {}
        readings: list[Reading | None] = [None] * len(texts)
        if scorer != "lexical":
            if self.encoder is None:
                raise BundleError(f"bundle {self.manifest.name} has no encoder")
            readings = [*self.encoder.read_windows(self.encoder.cut(texts) if documents is None else documents)]
            parts["encoder"] = np.array([pool(r.tokens) for r in readings if r is not None], dtype=np.float64)
        if scorer != "encoder":
            if self.lexical is None:
                raise BundleError(f"bundle {self.manifest.name} has no lexical model")
            parts["lexical"] = np.array([self.lexical.logits(text) for text in texts], dtype=np.float64)
        if scorer == "blend":
            calibrated = [self.calibrators[name](logits) for name, logits in parts.items()]
            return blend(calibrated, self.heads), readings
        return parts[scorer], readings

    def score(
        self,
        texts: Sequence[str],
        languages: Sequence[str | None],
        scorer: Scorer,
        documents: Sequence[Windowed] | None = None,
    ) -> list[Scored]:
        """Calibrated probabilities of documents, in the order given; `documents` as in `raw_logits`."""
        if not texts:
            return []
        logits, readings = self.raw_logits(texts, scorer, documents)
        calibrator = self.calibrators[scorer]
        return [
            Scored(probabilities(calibrator(row, language), self.heads), reading)
            for row, language, reading in zip(logits, languages, readings, strict=True)
        ]


def save_lexical(folder: Path, model: LexicalModel) -> None:
    """Write the lexical model's files into a bundle folder; IDF and weights in half precision."""
    files.write_json(folder / files.LEXICAL, {"ngrams": asdict(model.ngrams), "unseen_idf": model.unseen_idf})
    halves = [array.astype(np.float16) for array in (model.idf, model.weights)]
    arrays: tuple[npt.NDArray[Any], ...] = (model.buckets, *halves, model.bias)
    for name, array in zip(files.LEXICAL_ARRAYS, arrays, strict=True):
        np.save(folder / name, array, allow_pickle=False)


def _load_lexical(folder: Path) -> LexicalModel:
    document: dict[str, Any] = files.read_json(folder / files.LEXICAL)
    ngrams = document["ngrams"]
    buckets, idf, weights, bias = (np.load(folder / name, allow_pickle=False) for name in files.LEXICAL_ARRAYS)
    return LexicalModel(
        ngrams=Ngrams(tuple(ngrams["words"]), tuple(ngrams["characters"]), int(ngrams["buckets"])),
        buckets=buckets,
        idf=idf.astype(np.float32),
        unseen_idf=float(document["unseen_idf"]),
        weights=weights.astype(np.float32),
        bias=bias,
    )


def _load_learned(folder: Path, manifest: files.Manifest) -> frozenset[str]:
    listed = files.read_json(folder / files.LEARNED) if files.LEARNED in manifest.files else ()
    return frozenset(listed) | (adapter.learned(folder) if adapter.ORIGIN in manifest.files else frozenset())


def _load_encoder(
    folder: Path, manifest: files.Manifest, *, threads: int | None, precision: Precision, device: Device
) -> EncoderModel | None:
    if files.GRAPH not in manifest.files:
        return None
    layout = WindowLayout.from_dict(files.read_json(folder / files.WINDOWS))
    graph = folder / files.GRAPH
    if precision == "int8":
        graph = int8_graph(graph, manifest.files[files.GRAPH]["sha256"])
    return EncoderModel.load(graph, folder / files.TOKENIZER, layout, threads=threads, device=device)
