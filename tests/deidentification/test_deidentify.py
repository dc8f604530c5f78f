from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from deidsynth.config import TrainConfig
from deidsynth.deidentification.runtime import DOCUMENTS_AT_ONCE, Deidentifier
from deidsynth.documents import Document, LabelScheme
from deidsynth.errors import ConfigError, InputError, ModelNotFoundError, ModelNotUsableError
from deidsynth.models.tagger.token_classifier import Tagger, new_tagger
from deidsynth.tagging import TagSet
from tiny_models import NOTES, save_tiny

Tiny = Callable[[str], Path]


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger to which every text is one name."""
    root = tmp_path_factory.mktemp("tagger")
    made: Tagger = new_tagger(
        TrainConfig(encoder=str(save_tiny("modernbert", root / "base"))), TagSet.of(LabelScheme(("NAME",))), []
    )
    with torch.no_grad():
        made.model.classifier.weight.zero_()
        made.model.classifier.bias.copy_(torch.tensor([0.0, 1.0, 3.0]))  # O, B-NAME, I-NAME
    made.save(root / "model")
    return root / "model"


def loaded(model: str | Path, action: str = "mask", device: str = "cpu") -> Deidentifier:
    policy = {"default": action, "detect": {"patterns": False, "second_pass": False}}
    return Deidentifier.load(model, policy=policy, device=device)


def test_masked_tagged_and_found(tagger: Path) -> None:
    documents = [Document("1", " Ana Ek \n"), Document("2", ""), NOTES[0]]
    whole = NOTES[0].text.strip()
    assert [each.text for each in loaded(tagger).stream(documents)] == [" [NAME] \n", "", "[NAME]\n"]
    assert [each.text for each in loaded(tagger, "tag").stream(documents)] == [
        " <NAME>Ana Ek</NAME> \n",
        "",
        f"<NAME>{whole}</NAME>\n",
    ]
    found = [each.document for each in loaded(tagger).find_stream(documents)]
    assert [each.text for each in found] == [each.text for each in documents]
    assert [[entity.key for entity in each.entities] for each in found] == [
        [(1, 7, "NAME")],
        [],
        [(0, len(whole), "NAME")],
    ]


def test_faults(tagger: Path, tiny: Tiny) -> None:
    with pytest.raises(ConfigError, match="default"):
        loaded(tagger, "hide")
    with pytest.raises(InputError, match="device tpu: unknown"):
        loaded(tagger, device="tpu")
    with pytest.raises(ModelNotFoundError, match=r"nowhere: no model \(no config.json\)"):
        loaded("./nowhere")
    with pytest.raises(ModelNotUsableError, match="is not a tagger"):
        loaded(tiny("bert"))


def test_documents_are_taken_as_they_are_needed(tagger: Path) -> None:
    taken = []

    def many() -> Iterator[Document]:
        for number in range(1000):
            taken.append(number)
            yield Document(str(number), "Ana")

    found = loaded(tagger).find_stream(many())
    assert next(found).document.doc_id == "0"
    assert len(taken) == DOCUMENTS_AT_ONCE
    assert [next(found).document.doc_id for _ in range(DOCUMENTS_AT_ONCE)][-1] == str(DOCUMENTS_AT_ONCE)
    assert len(taken) == 2 * DOCUMENTS_AT_ONCE
