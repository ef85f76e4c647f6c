"""The same weights as a torch model, as a user would have them who knows neither onnxruntime nor this project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast, pipeline

from benchmark.row import Absent, Score
from fimiscope.bundle import files
from fimiscope.bundle.bundle import _load_lexical
from fimiscope.bundle.calibration import Calibrator, blend, head_slices, probabilities
from fimiscope.bundle.document import Document
from fimiscope.bundle.pooling import TokenScores, pool
from fimiscope.bundle.windows import WindowLayout, cut_windows, pad_windows
from fimiscope.codebook import Codebook
from fimiscope.reading import identify_language, legibility_fault
from fimiscope.records import Article
from fimiscope.training.encoders import Encoder, resolve
from fimiscope.training.model import TokenHeads

PIPELINE_TOKENS = 512
PIPELINE_BATCH = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """A cleaned article, ready to be read."""

    id: str
    text: str
    language: str | None


def opened(articles: Iterable[Article]) -> list[Opened]:
    """The articles that can be judged, as our own rows read them."""
    documents = [(article.id, Document.of(article).text) for article in articles]
    return [Opened(name, text, identify_language(text)) for name, text in documents if legibility_fault(text) is None]


class TorchModel:
    """Encoder, heads, calibrators and threshold of a bundle whose encoder has an adapter, all out of its own files."""

    def __init__(self, folder: Path) -> None:
        if not (folder / files.TOKEN_HEADS).is_file():
            raise Absent("the model was trained without an adapter, and holds no weights for torch")
        self.encoder: Encoder = resolve(f"path:{folder}")
        self.model: PreTrainedModel = self.encoder.model()
        self.model.eval()  # type: ignore[no-untyped-call]
        self.layout = WindowLayout.from_dict(files.read_json(folder / files.WINDOWS))
        # Not the bundle whole: its graph would count in the memory of a row that does not use it.
        self._labels = Codebook.load(folder / files.CODEBOOK).heads()
        self._calibrators = {
            name: Calibrator.from_dict(document)
            for name, document in files.read_json(folder / files.CALIBRATION).items()
            for name, document in files.read_json(folder / files.CALIBRATION).items()
        }
        self._lexical = _load_lexical(folder) if (folder / files.LEXICAL).is_file() else None
        heads = TokenHeads(int(self.model.config.hidden_size), self._labels)
        heads.load_state_dict(load_file(folder / files.TOKEN_HEADS))
        self._heads = heads.eval()

    def token_scores(self, states: Tensor) -> TokenScores:
        """Scores of tokens from their states, shape (tokens, hidden)."""
        return TokenScores(*(scores.numpy() for scores in self._heads(states)))

    def score(self, article: Opened, tokens: TokenScores) -> Score:
        """Probability that the article is flagged, from the scores of its tokens: pooled, blended and calibrated."""
        logits: npt.NDArray[Any] = pool(tokens).astype(np.float64)
        scorer = "encoder"
        if self._lexical is not None:
            both = {"encoder": logits, "lexical": self._lexical.logits(article.text)}
            logits = blend([self._calibrators[name](part) for name, part in both.items()], self._labels)
            scorer = "blend"
        calibrated = self._calibrators[scorer](logits, article.language)
        flag = head_slices(self._labels)["flag"]
        return Score(article.id, float(probabilities(calibrated, self._labels)[flag].item()))


class PipelineRow:
    """(a) `transformers.pipeline`: 512 tokens of each article, 16 articles a batch."""

    def __init__(self, folder: Path) -> None:
        torch_model = self._torch = TorchModel(folder)
        tokenizer = torch_model.encoder.tokenizer()
        pad = tokenizer.id_to_token(torch_model.layout.pad)
        self._tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
            tokenizer_object=tokenizer, pad_token=pad, model_max_length=PIPELINE_TOKENS
        )
        self._pipeline = pipeline(
            "feature-extraction", model=torch_model.model, tokenizer=self._tokenizer, device=torch.device("cpu")
        )

    def prepare(self, articles: Iterable[Article]) -> list[Opened]:
        return opened(articles)

    def score(self, work: list[Opened]) -> list[Score]:
        torch_model, prefix = self._torch, self._torch.encoder.prefix
        texts = [prefix + article.text for article in work]
        options = {"truncation": True, "max_length": PIPELINE_TOKENS}
        states = self._pipeline(texts, batch_size=PIPELINE_BATCH, tokenize_kwargs=options, return_tensors=True)
        lengths = [len(ids) for ids in self._tokenizer(texts, **options)["input_ids"]]
        before, after = len(torch_model.layout.before), len(torch_model.layout.after)
        scores = []
        with torch.inference_mode():
            for article, state, length in zip(work, states, lengths, strict=True):
                tokens = torch_model.token_scores(state[0, before : length - after])
                scores.append(torch_model.score(article, tokens))
        return scores

    def windows(self, work: list[Opened]) -> int:
        return len(work)


class LoopRow:
    """(b) The torch model in a plain loop: an article at a time, its windows as one batch."""

    def __init__(self, folder: Path) -> None:
        self._torch = TorchModel(folder)
        self._tokenizer = self._torch.encoder.tokenizer()

    def prepare(self, articles: Iterable[Article]) -> list[Opened]:
        return opened(articles)

    def score(self, work: list[Opened]) -> list[Score]:
        torch_model, scores = self._torch, []
        with torch.inference_mode():
            for article in work:
                cut = cut_windows(article.text, self._tokenizer, torch_model.layout)
                ids, mask = (torch.from_numpy(array) for array in pad_windows(cut.windows, torch_model.layout.pad))
                states = torch_model.model(input_ids=ids, attention_mask=mask).last_hidden_state
                owned = [states[row, w.first : w.first + w.owned] for row, w in enumerate(cut.windows)]
                scores.append(torch_model.score(article, torch_model.token_scores(torch.cat(owned))))
        return scores

    def windows(self, work: list[Opened]) -> int:
        return sum(len(cut_windows(article.text, self._tokenizer, self._torch.layout).windows) for article in work)
