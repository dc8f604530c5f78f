"""Pseudonymize: every gold entity of the training documents is replaced by a surrogate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deidsynth.config import ResolvedPseudonymizeConfig
from deidsynth.corpora import write_jsonl
from deidsynth.errors import ConfigError
from deidsynth.files import write_json
from deidsynth.stages.artifacts import COPIES, CORPUS, PSEUDONYMS
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.reading import read_normalized
from deidsynth.surrogates import Pseudonyms


class Pseudonymize:
    """``corpus`` in; ``corpus.jsonl`` out, ``copies/2.jsonl`` and so on for further copies, and ``pseudonyms.json``.

    The last has the facts. The copies have the same documents with the same ids. What is between the entities is still
    the text of the corpus.
    """

    def run(
        self, config: ResolvedPseudonymizeConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Write the copies; the facts are those of the first one.

        Raises:
            ConfigError: the language of the surrogates is unknown.
        """
        if config.language is None:
            raise ConfigError(["pseudonymize.language: surrogates need the language of the text; set it"])
        corpus = read_normalized(inputs["corpus"] / CORPUS)
        facts: dict[str, Any] = {}
        for number in range(1, config.copies + 1):
            pseudonyms = Pseudonyms(config.language, f"{context.seed}-{number}", config.labels)
            copy = corpus.with_documents(pseudonyms.of(corpus.documents))
            if number > 1:
                (output / COPIES).mkdir(exist_ok=True)
            file = output / CORPUS if number == 1 else output / COPIES / f"{number}.jsonl"
            write_jsonl(copy, file)
            facts = facts or {
                "n_documents": len(copy),
                "n_patients": len({document.unit for document in copy}),
                "n_replaced": pseudonyms.by_kind.total(),
                "n_random": pseudonyms.not_invented.total(),
                "by_kind": dict(sorted(pseudonyms.by_kind.items())),
                "n_labels_without_values": len(pseudonyms.not_invented),
            }
        facts["n_copies"] = config.copies
        write_json(output / PSEUDONYMS, facts)
        return facts
