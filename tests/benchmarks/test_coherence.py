"""The benchmark of coherence, on invented sentences and a judge that learned them."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus, Document
from tiny_models import one_thread, tiny  # noqa: F401 - fixtures

SENTENCES = ("La paciente tose de noche.", "El remero duerme poco.", "Un pastor camina mejor desde el martes.")
SECRET = "Zarzalejo"


@pytest.fixture(scope="module")
def coherence(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    """The script as a module."""
    return benchmark("coherence")


def _corpus(make: Callable[[random.Random], str], name: str, origin: str = "synthetic") -> Corpus:
    chance = random.Random(name)
    texts = [f"Nombre: {SECRET}\n{make(chance)}" for _ in range(24)]
    documents = tuple(Document(f"{name}{number // 2}-{number % 2}", text) for number, text in enumerate(texts))
    return Corpus(documents, language="es", origin=origin)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """Real text, synthetic text like it, the same words in disorder, and one sentence again and again."""

    def sentences(chance: random.Random) -> str:
        return " ".join(chance.choice(SENTENCES) for _ in range(6))

    def shuffled(chance: random.Random) -> str:
        words = sentences(chance).split()
        chance.shuffle(words)
        return " ".join(words)

    write_jsonl(_corpus(sentences, "real", "real"), tmp_path / "real.jsonl")
    write_jsonl(_corpus(sentences, "good"), tmp_path / "good.jsonl")
    write_jsonl(_corpus(shuffled, "poor"), tmp_path / "poor.jsonl")
    write_jsonl(_corpus(lambda _: "Un pastor camina mejor. " * 12, "same"), tmp_path / "same.jsonl")
    return tmp_path


@pytest.fixture(scope="module")
def judge(tiny: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """A tiny model that has learned which word follows which."""
    torch.manual_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(tiny("llama"))
    model = AutoModelForCausalLM.from_pretrained(tiny("llama"))
    optimizer, chance = torch.optim.AdamW(model.parameters(), lr=3e-3), random.Random(1)
    for _ in range(60):
        texts = [" ".join(chance.choice(SENTENCES) for _ in range(4)) for _ in range(4)]
        rows = [tokenizer(text, add_special_tokens=False)["input_ids"][:40] for text in texts]
        ids = torch.tensor([row[: min(map(len, rows))] for row in rows])
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    folder = tmp_path_factory.mktemp("judge")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def options(places: Path, judge: Path, *more: str) -> list[str]:
    """The options of a call on the folder; those in ``more`` win."""
    corpora = [f"--corpus={name}={places / name}.jsonl" for name in ("good", "poor", "same")]
    given = ["--judge", str(judge), "--real", str(places / "real.jsonl"), "--notes", str(places / "notes.html")]
    return [*corpora, *given, "--beginning", "18", "--device", "cpu", "--quiet", *more]


def test_disorder_costs_bits_and_repetition_is_told(
    coherence: ModuleType, places: Path, judge: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert coherence.main(options(places, judge, "--json")) == 0
    printed = capsys.readouterr()
    assert SECRET not in printed.out + printed.err and "paciente" not in printed.out
    result: dict[str, Any] = json.loads(printed.out)
    found = {each["corpus"]: each for each in result["corpora"]}
    assert list(found) == ["real", "good", "poor", "same"]
    for each in found.values():
        assert each["n_documents"] == 24
        for figure in ("beginning", "rest", "repeated"):
            low, high = each[f"{figure}_interval"]
            assert low <= each[figure] <= high
    assert found["poor"]["rest_interval"][0] > found["good"]["rest_interval"][1]
    assert found["real"]["rest"] == pytest.approx(found["good"]["rest"], rel=0.15)
    assert found["poor"]["beginning"] == pytest.approx(found["good"]["beginning"], rel=0.01)  # the same words
    assert found["same"]["repeated"] > 0.8 > 0.2 > found["poor"]["repeated"]


def test_ten_notes_of_each_stand_side_by_side_for_their_owner_only(
    coherence: ModuleType, places: Path, judge: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert coherence.main(options(places, judge)) == 0
    shown = capsys.readouterr().out
    assert SECRET not in shown and shown.count("\n| ") == 5 and "| poor | 24 |" in shown
    page = (places / "notes.html").read_text(encoding="utf-8")
    assert page.count("<tr>") == 1 + 10 and page.count("<td>") == 30 and page.count(SECRET) == 30
    assert (places / "notes.html").stat().st_mode & 0o077 == 0


def test_markup_in_a_note_stays_text(coherence: ModuleType) -> None:
    corpus = Corpus((Document("a", "<script>1 < 2</script>"),))
    page = coherence.side_by_side({"<b>": corpus, "c": corpus}, 10, 1)
    assert "<script>" not in page and "&lt;script&gt;1 &lt; 2" in page and "<th>&lt;b&gt;</th>" in page


def test_a_uniform_judge_takes_the_logarithm_of_its_vocabulary(
    coherence: ModuleType,
    tiny: Callable[[str], Path],  # noqa: F811
    tmp_path: Path,
) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny("llama"))
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    tokenizer = AutoTokenizer.from_pretrained(tiny("llama"))
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    judge, text = coherence.Judge(tmp_path, "cpu"), SENTENCES[0]
    n_tokens = len(tokenizer(text, add_special_tokens=False)["input_ids"])
    for beginning in (0, 5, 1000):
        first, n_first, rest, n_rest = judge.bits(text, beginning)
        assert first + rest == pytest.approx(n_tokens * math.log2(model.config.vocab_size), rel=1e-4)
        assert (n_first, n_rest) == (min(beginning, len(text)), max(0, len(text) - beginning))
    assert judge.bits("", 5) == (0.0, 0, 0.0, 0)
    *_, end = judge.bits(text * 500, 0)  # as far as the context reaches
    assert len(text) < end < len(text) * 500


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--corpus", "good=x"], "each name once"),
        (["--corpus", "real=x"], "none of them real"),
        (["--corpus", "x"], "expected NAME=PATH"),
        (["--characters", "0"], "--characters 0: expected at least 1"),
        (["--beginning", "-1"], "--beginning -1: expected at least 0"),
        (["--real", "nowhere"], "nowhere"),
        (["--judge", "no-model-here/at/all"], "no such folder"),
    ],
)
def test_a_faulty_option_exits_with_2(
    coherence: ModuleType,
    places: Path,
    judge: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    message: str,
) -> None:
    assert coherence.main(options(places, judge, *more)) == 2
    error = capsys.readouterr().err
    assert message in error and SECRET not in error
    assert not (places / "notes.html").exists()


def test_one_corpus_alone_and_an_adapted_judge_are_refused(
    coherence: ModuleType, places: Path, judge: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [each for each in options(places, judge) if not each.startswith(("--corpus=poor", "--corpus=same"))]
    assert coherence.main(given) == 2
    assert "expected two or more" in capsys.readouterr().err
    (judge / "deidsynth.json").write_text("{}", encoding="utf-8")
    try:
        assert coherence.main(options(places, judge)) == 2
    finally:
        (judge / "deidsynth.json").unlink()
    assert "give a base that was not" in capsys.readouterr().err
