"""Canaries: a twin of the language model's adaptation is trained with planted texts, scored, and thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deidsynth.config import ResolvedCanariesConfig
from deidsynth.errors import CorpusError
from deidsynth.files import write_json
from deidsynth.models.devices import Compute
from deidsynth.models.private.canary_run import canary_run
from deidsynth.privacy.audit.canaries import make_canaries
from deidsynth.stages.artifacts import CANARIES, CORPUS
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.reading import read_normalized


class PlantCanaries:
    """``train`` in; ``canaries.json`` out, which holds the figures alone."""

    def run(
        self, config: ResolvedCanariesConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Train the twin, guess which canaries it was given, and write what the guesses show, without a verdict.

        Raises:
            CorpusError: the training documents have no text.
        """
        documents = [document for document in read_normalized(inputs["train"] / CORPUS) if document.text.strip()]
        if not documents:
            raise CorpusError("the training documents have no text to adapt to")
        planted = make_canaries(config.n_canaries, documents, seed=context.seed)
        compute = Compute(context.seed, context.device, context.precision, context.scratch)
        with context.progress.task("canaries", 1, "twin") as task:
            measured = canary_run(documents, planted, config.adapt, compute).measured()
            task.advance(1)
        write_json(output / CANARIES, measured.to_dict())
        figures = {key: measured.details.get(key) for key in ("n_correct", "n_guesses")}
        return {"n_canaries": config.n_canaries, "epsilon": measured.train, **figures}
