"""A small model for services that run as processes of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from deidsynth.config import TrainConfig
from deidsynth.documents import LabelScheme
from deidsynth.models.tagger.token_classifier import new_tagger
from deidsynth.tagging import TagSet
from tiny_models import save_tiny


@pytest.fixture(scope="session")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger with weights of a seed, which finds names and cities anywhere."""
    folder = tmp_path_factory.mktemp("tagger")
    encoder = save_tiny("modernbert", folder / "encoder")
    torch.manual_seed(1)
    new_tagger(TrainConfig(encoder=str(encoder)), TagSet.of(LabelScheme(("CITY", "NAME"))), []).save(folder / "ner")
    return folder / "ner"
