"""How well a corpus hides the role: models learn it from half of the families and tell it in the other half.

Words alone should do little better than always giving the same answer; an encoder, which reads what the words do
together, should do far better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.calibration import head_slices
from fimiscope.bundle.encoder import EncoderModel
from fimiscope.bundle.files import GRAPH, TOKENIZER
from fimiscope.codebook import Codebook, Head
from fimiscope.config import Config, LexicalConfig
from fimiscope.corpus import Example
from fimiscope.errors import CorpusError
from fimiscope.progress import Progress, silent
from fimiscope.tables import Cell, Table
from fimiscope.training.fitting import learned_already
from fimiscope.training.lexical import fit_lexical
from fimiscope.training.targets import Targets

MAJORITY, WORDS, ENCODER = "majority of the learned half", "TF-IDF", "frozen encoder, linear"
TRAINED = "encoder trained as the config says"
VALID_SHARE = 0.15
# Inverse regularisation: hundreds of standardised columns stand against a few hundred texts.
STRENGTH = 0.01

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# Rows to learn from, and rows to tell the role of; gives the roles told.
Teller = Callable[[Ints, Ints], Ints]


@dataclass(frozen=True, slots=True)
class Told:
    """How often one kind of model tells the role of texts whose families it did not learn from.

    Attributes:
        texts: which texts: their languages, or `all`.
        articles, families: how many.
        accuracy, macro_f1: of each halving, over all its texts, each half told by what learned from the other.
    """

    texts: str
    model: str
    articles: int
    families: int
    accuracy: tuple[float, ...]
    macro_f1: tuple[float, ...]


def told_roles(
    examples: Sequence[Example],
    config: Config,
    codebook: Codebook,
    *,
    languages: Sequence[str],
    halvings: int = 5,
    trained: bool = False,
    progress: Progress = silent,
) -> tuple[Told, ...]:
    """Majority, TF-IDF and, where the config names an encoder, linear scores on its averaged frozen states.

    With `trained`, the config's own recipe for the encoder as well, on the first halving alone: it takes up to an hour.
    All learn from half of all families; figures are given for the texts in `languages` and for all texts. Halves are
    drawn by the config's seed. Texts without a role are left out.

    Raises:
        CorpusError: fewer than two families or two roles, or the encoder has learned from some of the texts.
        EncoderError, ConfigError: the encoder cannot be used.
    """
    examples = [example for example in examples if example.labels.role is not None]
    if config.encoder is not None and learned_already(examples, config.encoder):
        raise CorpusError(
            f"encoder {config.encoder} has learned from these texts: no family is new to it; take its base"
        )
    texts = [example.document().text for example in examples]
    roles = np.array([codebook.role_codes.index(str(example.labels.role)) for example in examples], dtype=np.int64)
    families = np.array([example.group for example in examples])
    if len(np.unique(families)) < 2 or len(np.unique(roles)) < 2:
        raise CorpusError("to learn roles from one half of the families and tell them in the other takes two of each")
    tellers: dict[str, Teller] = {
        MAJORITY: lambda learned, asked: np.full(len(asked), np.bincount(roles[learned]).argmax()),
        WORDS: _words(texts, roles, codebook, config.lexical or LexicalConfig()),
    }
    if config.encoder is not None:
        tellers[ENCODER] = _linear(_embedded(texts, config, progress), roles)
        if trained:
            tellers[TRAINED] = _trained(examples, texts, families, config, codebook, progress)
    told: dict[str, list[Ints]] = {model: [] for model in tellers}
    for number in range(halvings):
        for model, tell in tellers.items():
            if model == TRAINED and number:
                continue
            told[model].append(_both_ways(tell, families, np.random.default_rng([config.seed, number])))
        progress("halvings", number + 1, halvings)
    spoken = np.array([example.article.language in languages for example in examples], dtype=bool)
    sets = {"all": np.ones(len(examples), dtype=bool)}
    if spoken.any() and not spoken.all():
        sets = {", ".join(languages): spoken, **sets}
    found = []
    for name, rows in sets.items():
        for model, answers in told.items():
            figures = [_figures(roles[rows], answer[rows]) for answer in answers]
            accuracy, macro_f1 = zip(*figures, strict=True)
            found.append(Told(name, model, int(rows.sum()), len(np.unique(families[rows])), accuracy, macro_f1))
    return tuple(found)


def told_table(told: Sequence[Told]) -> Table:
    """Means over the halvings, and their standard deviation."""
    rows: list[tuple[Cell, ...]] = [
        (one.texts, one.articles, one.families, one.model, _spread(one.accuracy), _spread(one.macro_f1)) for one in told
    ]
    halvings = max((len(one.accuracy) for one in told), default=0)
    title = f"Role told in half of the families after learning from the other half ({halvings} random halvings)"
    return Table(title, ("texts", "articles", "families", "model", "accuracy", "macro F1"), tuple(rows))


def _embedded(texts: Sequence[str], config: Config, progress: Progress) -> Floats:
    from fimiscope.training.embedding import embed
    from fimiscope.training.encoding import open_encoder

    return embed(texts, open_encoder(config), progress=progress)


def _words(texts: Sequence[str], roles: Ints, codebook: Codebook, config: LexicalConfig) -> Teller:
    """The project's own word model, with the role as its one head."""
    head = Head("role", "softmax", codebook.role_codes)
    values = np.eye(len(head.labels), dtype=np.float32)[roles]

    def tell(learned: Ints, asked: Ints) -> Ints:
        gold = Targets(values[learned], np.ones_like(values[learned]), np.ones(len(learned), dtype=np.float32))
        model = fit_lexical([texts[row] for row in learned], gold, (head,), config, progress=silent)
        return np.array([model.logits(texts[row]).argmax() for row in asked], dtype=np.int64)

    return tell


def _linear(means: Floats, roles: Ints) -> Teller:
    """Multinomial logistic regression on standardised article means."""

    def tell(learned: Ints, asked: Ints) -> Ints:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        if len(np.unique(roles[learned])) == 1:
            return np.full(len(asked), roles[learned[0]])
        model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000))
        return np.asarray(model.fit(means[learned], roles[learned]).predict(means[asked]), dtype=np.int64)

    return tell


def _trained(
    examples: Sequence[Example],
    texts: Sequence[str],
    families: npt.NDArray[np.str_],
    config: Config,
    codebook: Codebook,
    progress: Progress,
) -> Teller:
    """The encoder trained by the config's recipe; a share of the learned families decides when to stop."""
    role = head_slices(codebook.heads())["role"]

    def tell(learned: Ints, asked: Ints) -> Ints:
        from fimiscope.training.encoding import train_encoder

        names = np.random.default_rng(config.seed).permutation(np.unique(families[learned]))
        held = np.isin(families[learned], names[: max(1, round(VALID_SHARE * len(names)))])
        train, valid = ([examples[row] for row in learned[rows]] for rows in (~held, held))
        with TemporaryDirectory() as folder:
            place = Path(folder)
            layout = train_encoder(
                config,
                codebook,
                train,
                valid,
                place,
                place / "checkpoints",
                resume=False,
                listener=lambda epoch: None,
                progress=progress,
            )
            encoder = EncoderModel.load(place / GRAPH, place / TOKENIZER, layout)
            logits = encoder.logits([texts[row] for row in asked])
            return np.asarray(logits[:, role].argmax(axis=1), dtype=np.int64)

    return tell


def _both_ways(tell: Teller, families: npt.NDArray[np.str_], rng: np.random.Generator) -> Ints:
    """The role told of each text by what learned from the half of the families that it is not in; shape (texts,)."""
    names = rng.permutation(np.unique(families))
    first = np.isin(families, names[: len(names) // 2])
    told = np.zeros(len(families), dtype=np.int64)
    for half in (first, ~first):
        told[half] = tell(np.flatnonzero(~half), np.flatnonzero(half))
    return told


def _figures(gold: Ints, told: Ints) -> tuple[float, float]:
    """Accuracy, and mean F1 of the roles that occur."""
    from sklearn.metrics import f1_score

    macro_f1 = f1_score(gold, told, labels=np.unique(gold), average="macro", zero_division=0)
    return float((gold == told).mean()), float(macro_f1)


def _spread(figures: Sequence[float]) -> str:
    if len(figures) == 1:
        return f"{figures[0]:.2f}"
    return f"{np.mean(figures):.2f} ± {np.std(figures):.2f}"
