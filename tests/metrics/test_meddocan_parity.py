"""Our figures beside those that the official MEDDOCAN script printed for five systems."""

import json
import os
from pathlib import Path

import pytest

from deidsynth.documents import Document, Entity
from deidsynth.metrics import score

DATA = Path(os.environ.get("DEIDSYNTH_DATA", Path(__file__).parents[3] / "shared" / "data")) / "meddocan"
PREDICTIONS = DATA / "scored_predictions"
pytestmark = pytest.mark.skipif(not PREDICTIONS.is_dir(), reason=f"no MEDDOCAN data at {DATA}")

NAMES = {"Subtask1": "strict", "Subtask2Strict": "span", "Subtask2Merged": "merged"}
N_SENTENCES = 7768


def read(doc_id, folder):
    with (DATA / "dev" / "brat" / f"{doc_id}.txt").open(encoding="utf-8", newline="") as file:
        text = file.read()
    entities = set()
    for line in (folder / f"{doc_id}.ann").read_text(encoding="utf-8").splitlines():
        if line.startswith("T"):
            label, start, end = line.split("\t")[1].split(" ")
            entities.add((int(start), int(end), label))
    return Document(doc_id, text, tuple(Entity(*entity) for entity in entities))


@pytest.fixture(scope="module")
def gold():
    folder = DATA / "dev" / "brat"
    return [read(path.stem, folder) for path in sorted(folder.glob("*.txt"))]


@pytest.mark.parametrize("system", ["perfect", "noisy", "poor", "silent", "cnn"])
def test_figures_are_the_official_ones(gold, system):
    official = json.loads((PREDICTIONS / "official_scores.json").read_text(encoding="utf-8"))[system]
    predicted = [read(document.doc_id, PREDICTIONS / system) for document in gold]
    scores = score(gold, predicted, sentence_count=N_SENTENCES)
    assert len(gold) == 250
    # To the last digit: what --format official prints is the very text that the script printed.
    assert {name: str(value) for name, value in scores.official().items()} == official
    for theirs, ours in NAMES.items():
        # Ours comes from the counts, the script's from rounded ratios; and its 0.0 for 0/0 is None here.
        f1 = scores.measures[ours].f1 or 0.0
        assert f1 == pytest.approx(float(official[f"{theirs}_F1"]), abs=1e-12)
