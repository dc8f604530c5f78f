"""Pseudonymizing as a stage, and what those that follow make of its copies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from deidsynth.config import FilterConfig, ResolvedPseudonymizeConfig
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import ConfigError
from deidsynth.stages import STAGES, StageContext
from deidsynth.stages.work import synthesize as work
from deidsynth.stages.work.reading import read_copies
from tiny_models import NOTES
from tiny_runs import note
from tiny_stages import ADAPT, SYNTHESIZE, run
from tiny_synthesis import inputs


def pseudonymized(root: Path, documents: Sequence[Document], **asked: Any) -> tuple[Path, Mapping[str, Any]]:
    """The artifact of the stage on a real corpus, and its facts."""
    for name in ("in", "out", "scratch"):
        (root / name).mkdir(parents=True, exist_ok=True)
    write_jsonl(Corpus(tuple(documents), origin="real", language="sv"), root / "in" / "corpus.jsonl")
    config = ResolvedPseudonymizeConfig.model_validate({"mode": "always", "language": "sv", **asked})
    context = StageContext(root / "scratch", seed=4)
    return root / "out", STAGES["pseudonymize"].run(config, {"corpus": root / "in"}, root / "out", context)


def test_copies_differ_in_their_entities_alone(tmp_path: Path) -> None:
    notes = [note(str(number), number) for number in range(6)]
    folder, facts = pseudonymized(tmp_path, notes, copies=3)
    first, copies = read_jsonl(folder / "corpus.jsonl"), read_copies(folder)
    assert [path.stat().st_mode & 0o777 for path in folder.rglob("*.jsonl")] == [0o600] * 3
    for original, *of_note in zip(notes, first, *copies, strict=True):
        values = [[each.surface(entity) for entity in each.entities] for each in (original, *of_note)]
        assert len({tuple(found) for found in values}) == 4
        assert len({tuple(text for text, found in each.pieces() if not found) for each in (original, *of_note)}) == 1
        assert {each.doc_id for each in of_note} == {original.doc_id}
    assert facts == {
        "n_documents": 6, "n_patients": 6, "n_replaced": 18, "n_random": 0, "n_labels_without_values": 0, "n_copies": 3,
        "by_kind": {"date": 6, "full_name": 6, "place": 6},
    }  # fmt: skip
    assert json.loads((folder / "pseudonyms.json").read_text(encoding="utf-8")) == facts
    again, _ = pseudonymized(tmp_path / "again", notes, copies=1)
    assert (again / "corpus.jsonl").read_bytes() == (folder / "corpus.jsonl").read_bytes()


def test_values_of_labels_that_nobody_knows_are_random_and_counted(tmp_path: Path) -> None:
    document = Document("1", "Avd. QX-77 idag", (Entity(5, 10, "WARD_CODE_X"),))
    folder, facts = pseudonymized(tmp_path, [document])
    assert (facts["n_random"], facts["n_labels_without_values"]) == (1, 1)
    [made] = read_jsonl(folder / "corpus.jsonl")
    assert "QX" not in made.text and made.text.startswith("Avd. ") and made.text.endswith(" idag")


def test_without_a_language_there_are_no_surrogates(tmp_path: Path) -> None:
    write_jsonl(Corpus((note("1", 1),)), tmp_path / "corpus.jsonl")
    config = ResolvedPseudonymizeConfig(mode="never")
    with pytest.raises(ConfigError, match=r"pseudonymize\.language"):
        STAGES["pseudonymize"].run(config, {"corpus": tmp_path}, tmp_path, StageContext(tmp_path))


def test_adaptation_takes_the_copies_and_says_so(tmp_path: Path) -> None:
    notes = [note(str(number), number) for number in range(6)]
    plain, _ = pseudonymized(tmp_path / "one", notes)
    several, _ = pseudonymized(tmp_path / "two", notes, copies=2)
    _, one = run("adapt", tmp_path, {"train": plain}, ADAPT, name="one-copy")
    _, two = run("adapt", tmp_path, {"train": several}, ADAPT, name="two-copies")
    assert one["reads_surrogates"] is two["reads_surrogates"] is True
    assert one["n_train_documents"] == two["n_train_documents"]
    assert one["n_tokens_seen"] != two["n_tokens_seen"], "other values have other lengths"
    assert 0.8 < two["n_tokens_seen"] / one["n_tokens_seen"] < 1.25


def test_filters_compare_with_every_copy_and_volume_counts_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[list[str]] = []

    class Remembering(work.Filters):
        def __init__(self, config: FilterConfig, train: Sequence[Document]) -> None:
            taken.append([document.text for document in train])
            super().__init__(config, train)

    monkeypatch.setattr(work, "Filters", Remembering)
    folder, _ = pseudonymized(tmp_path / "pseudonyms", NOTES, copies=2)
    _, facts = run("synthesize", tmp_path, {**inputs(tmp_path), "train": folder}, SYNTHESIZE)
    texts = [each.text for copy in (read_jsonl(folder / "corpus.jsonl"), *read_copies(folder)) for each in copy]
    assert taken == [texts] and len(texts) == 2 * len(NOTES)
    assert facts["n_asked"] == round(0.75 * len(NOTES))
