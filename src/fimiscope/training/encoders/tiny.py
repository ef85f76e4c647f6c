"""A two-layer encoder with random weights, made on the spot: for trying configs and code paths in seconds."""

from __future__ import annotations

from pathlib import Path

from fimiscope.codebook import Codebook

_VOCABULARY = 800
_SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")


def build(folder: Path) -> None:
    """Write the checkpoint. Its byte-pair vocabulary is learned from the codebook's definitions."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel
    from transformers.utils import logging

    codebook = Codebook.load()
    definitions = [entry.definition for entry in (*codebook.roles, *codebook.actors, *codebook.narratives)]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(definitions, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BertModel(
            BertConfig(
                vocab_size=tokenizer.get_vocab_size(),
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                max_position_embeddings=512,
                pad_token_id=0,
            ),
            add_pooling_layer=False,
        )
    folder.mkdir(parents=True, exist_ok=True)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
