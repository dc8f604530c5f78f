"""A small model for services that run as processes of their own, and keys."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from deidsynth.config import TrainConfig
from deidsynth.documents import LabelScheme
from deidsynth.models.tagger.token_classifier import new_tagger
from deidsynth.server.keys import ApiKeys, add_key, read_keys
from deidsynth.tagging import TagSet
from tiny_models import save_tiny


def _save(folder: Path, outside: float) -> Path:
    """The folder of a tagger with random weights of a seed, and a bias towards what is no entity."""
    encoder = save_tiny("modernbert", folder / "encoder")
    torch.manual_seed(1)
    made = new_tagger(TrainConfig(encoder=str(encoder)), TagSet.of(LabelScheme(("CITY", "NAME"))), [])
    with torch.no_grad():
        made.model.classifier.bias[made.tag_set.outside] += outside
    made.save(folder / "ner")
    return folder / "ner"


@pytest.fixture(scope="session")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger that finds names and cities anywhere."""
    return _save(tmp_path_factory.mktemp("tagger"), outside=0)


@pytest.fixture(scope="session")
def blind_tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger that finds nothing."""
    return _save(tmp_path_factory.mktemp("blind"), outside=100)


@pytest.fixture
def keys(tmp_path: Path) -> tuple[ApiKeys, str]:
    """Accepted keys, and the one that ``ward-app`` sends."""
    key = add_key(tmp_path / "keys.json", "ward-app")
    return read_keys(tmp_path / "keys.json"), key
