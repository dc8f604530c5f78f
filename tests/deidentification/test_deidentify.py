from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from deidsynth.config import TrainConfig
from deidsynth.deidentification import deidentify
from deidsynth.documents import Document, LabelScheme
from deidsynth.errors import InputError, ModelNotFoundError, ModelNotUsableError
from deidsynth.models.tagger.prediction import DOCUMENTS_AT_ONCE
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


def test_masked_tagged_and_found(tagger: Path) -> None:
    documents = [Document("1", " Ana Ek \n"), Document("2", ""), NOTES[0]]
    whole = NOTES[0].text.strip()
    assert [each.text for each in deidentify(tagger, documents, "mask", device="cpu")] == [" [NAME] \n", "", "[NAME]\n"]
    assert [each.text for each in deidentify(tagger, documents, "tag", device="cpu")] == [
        " <NAME>Ana Ek</NAME> \n",
        "",
        f"<NAME>{whole}</NAME>\n",
    ]
    found = list(deidentify(tagger, documents, None, device="cpu"))
    assert [each.text for each in found] == [each.text for each in documents]
    assert [[entity.key for entity in each.entities] for each in found] == [
        [(1, 7, "NAME")],
        [],
        [(0, len(whole), "NAME")],
    ]


def test_faults(tagger: Path, tiny: Tiny) -> None:
    with pytest.raises(InputError, match="unknown mode 'hide'; use mask, tag or None"):
        list(deidentify(tagger, [], "hide"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="device tpu: unknown"):
        list(deidentify(tagger, [], device="tpu"))
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        list(deidentify("./nowhere", []))
    with pytest.raises(ModelNotUsableError, match="is not a tagger"):
        list(deidentify(tiny("bert"), []))


def test_documents_are_taken_as_they_are_needed(tagger: Path) -> None:
    taken = []

    class Many:
        def __len__(self) -> int:
            return 1000

        def __iter__(self) -> Iterator[Document]:
            for number in range(1000):
                taken.append(number)
                yield Document(str(number), "Ana")

    found = deidentify(tagger, Many(), device="cpu")
    assert next(found).doc_id == "0"
    assert len(taken) == DOCUMENTS_AT_ONCE
    assert [next(found).doc_id for _ in range(DOCUMENTS_AT_ONCE)][-1] == str(DOCUMENTS_AT_ONCE)
    assert len(taken) == 2 * DOCUMENTS_AT_ONCE
