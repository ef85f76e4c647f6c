"""Which settings of a config a run shows as its parameters, and in which order.

MLflow lists parameters in the order in which they were logged, and its comparing views draw those that every run has.
So a run logs what decides what its model learns, also where it is as usual; what else is unlike the default follows.
The whole config is the artifact `config.yaml`.
"""

from __future__ import annotations

from fimiscope.config import AnnotatedSource, Config, CorpusConfig, LabelledSource, LexicalConfig, Source

_LONGEST = 6000
_OF_THE_ENCODER = ("training", "windows")
_ALWAYS = ("decision.base_rate",)
_TOLD_OTHERWISE = ("name", "codebook", "corpus.sources", "encoder", "encoder_layers", "seed", "tracking", "evaluation")


def parameters(config: Config) -> dict[str, str]:
    """Parameters of a run under the config's own keys, those that matter first.

    `lexical` says whether there is a word model, and `corpus.sources` all sources in a line.
    """
    flat = config.flat()
    usual = _usual(config).flat()
    first = {"encoder": config.encoder or "none"}
    if config.encoder is not None:
        first["encoder_layers"] = "all" if config.encoder_layers is None else str(config.encoder_layers)
    first["lexical"] = "no" if config.lexical is None else "yes"
    first["seed"] = str(config.seed)
    first["corpus.sources"] = " + ".join(map(_told, config.corpus.sources))
    bearing = ("lexical", *(_OF_THE_ENCODER if config.encoder is not None else ()))
    settings = {key: value for key, value in flat.items() if key not in first and _section(key) in bearing}
    rest = {
        key: value
        for key, value in flat.items()
        if key in _ALWAYS or (value != usual.get(key) and _section(key) not in _OF_THE_ENCODER)
    }
    others = {key: value for key, value in rest.items() if not key.startswith(_TOLD_OTHERWISE)}
    return {key: value[:_LONGEST] for key, value in (first | settings | others).items()}


def _usual(config: Config) -> Config:
    """The same sources, encoder and kinds of models, with everything else at its default."""
    return Config(
        name=config.name,
        corpus=CorpusConfig(sources=config.corpus.sources),
        encoder=config.encoder,
        lexical=None if config.lexical is None else LexicalConfig(),
    )


def _section(key: str) -> str:
    return key.partition(".")[0]


def _told(source: Source) -> str:
    if isinstance(source, LabelledSource):
        return source.path.name
    if isinstance(source, AnnotatedSource) and source.fold is not None:
        return f"annotated (fold {source.fold})"
    return source.kind
