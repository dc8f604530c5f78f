"""The benchmark of what pretraining pays, on invented sentences and tiny models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus, Document
from tiny_models import one_thread, tiny  # noqa: F401 - fixtures

WHO = ("La paciente", "El carpintero", "Una vecina", "El remero", "La tejedora", "Un pastor", "La panadera")
WHAT = ("llega cansada", "tose de noche", "duerme poco", "camina mejor", "come con gusto", "pide un vaso de agua")
WHERE = ("en la sala azul", "junto al molino", "tras la cena", "desde el martes", "sin fiebre", "con su perro")
SMALL = ("hidden_size=32", "layers=1", "vocabulary_size=300")
SETTINGS = (*(f"scratch.{each}" for each in SMALL), "sequence_length=64", "batch_tokens=128", "epochs=3")
GENERAL = ("Los barcos vuelven al puerto cuando cae la tarde. " * 8, "Nadie abrió la puerta.\u2028Llovía. " * 8)


@pytest.fixture(scope="module")
def benchmark(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    """The script as a module."""
    return benchmark("bits_per_character")


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A folder with a corpus of 24 groups of two documents, and one general source."""
    documents = []
    for number in range(48):
        turns = range(number, number + 6)
        text = " ".join(f"{WHO[n % 7]} {WHAT[n // 2 % 6]} {WHERE[n // 3 % 6]}." for n in turns)
        documents.append(Document(f"visita{number // 2}-{number % 2}", text))
    write_jsonl(Corpus(tuple(documents)), tmp_path / "corpus.jsonl")
    (tmp_path / "general").mkdir()
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in GENERAL]
    (tmp_path / "general" / "boats.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def options(places: Path, *more: str) -> list[str]:
    """The options of a call on the folder; those in ``more`` win."""
    given = ["--corpus", str(places / "corpus.jsonl"), "--general", str(places / "general"), "--quiet"]
    given += ["--work", str(places / "work"), "--bases", "scratch", "--device", "cpu", "--threads", "1"]
    return [*given, *(part for each in SETTINGS for part in ("--set", each)), *more]


def result(benchmark: ModuleType, capsys: pytest.CaptureFixture[str], given: list[str]) -> dict[str, Any]:
    """What ``--json`` prints."""
    assert benchmark.main([*given, "--json"]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def bits(printed: dict[str, Any], base: str, name: str = "corpus") -> list[float | None]:
    """Bits per character of a base on a text, in the order of the shares."""
    return [each["bits_per_character"][name] for each in printed["cells"] if each["base"] == base]


def test_more_text_gives_fewer_bits_and_a_second_call_computes_nothing(
    benchmark: ModuleType, places: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = options(places, "--shares", "0.1,1")
    printed = result(benchmark, capsys, given)
    before, little, much = bits(printed, "scratch")
    assert before is None and little is not None and much is not None
    assert 0.1 < much < little - 0.3 and little < 20
    assert [each["share"] for each in printed["cells"]] == [0.0, 0.1, 1.0]
    n_documents = [each["n_documents"] for each in printed["cells"]]
    assert n_documents[1] == round(0.1 * printed["n_train_documents"] / 2) * 2  # whole groups of two
    assert n_documents[2] == printed["n_train_documents"] and printed["n_shared_groups"] == 0
    tokens = [each["n_tokens_seen"] for each in printed["cells"]]
    assert tokens[0] == 0 < tokens[1] < tokens[2]

    files = sorted((places / "work").iterdir())
    written = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    assert sorted(each["share"] for each in written) == [0.1, 1.0]  # no checkpoint is left behind
    assert all(each["seconds"] > 0 and each["base"] == "scratch" for each in written)

    def refuse(*given: object) -> None:
        raise AssertionError("computed again")

    with monkeypatch.context() as patch:
        patch.setattr(benchmark, "compute_cell", refuse)
        assert result(benchmark, capsys, given) == printed
        with pytest.raises(AssertionError, match="computed again"):  # other settings are other cells
            benchmark.main([*given, "--set", "epochs=2"])
        with pytest.raises(AssertionError, match="computed again"):
            benchmark.main([*given, "--general-characters", "100"])


def test_a_pretrained_base_is_measured_before_and_after_and_against_scratch(
    benchmark: ModuleType,
    places: Path,
    tiny: Callable[[str], Path],  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = str(tiny("llama"))
    given = options(places, "--bases", f"{base},scratch", "--shares", "0.25", "--general-characters", "410")
    printed = result(benchmark, capsys, [*given, "--set", "learning_rate=0.003"])
    before, after = bits(printed, base)
    assert before is not None and after is not None and after < before
    assert len(GENERAL[0]) == 400 and printed["measured"]["boats"] == {"n_texts": 2, "n_characters": 410}
    cells = {(each["base"], each["share"]): each for each in printed["cells"]}
    scratch = cells["scratch", 0.25]["bits_per_character"]
    for name in ("corpus", "boats"):
        assert cells[base, 0.25]["ratio_to_scratch"][name] == pytest.approx(
            cells[base, 0.25]["bits_per_character"][name] / scratch[name]
        )
    assert cells[base, 0.0]["ratio_to_scratch"]["corpus"] is None

    assert benchmark.main([*given, "--set", "learning_rate=0.003"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("| base | before | 25 % |\n|---|---|---|\n") == 3  # corpus, boats, cost
    assert f"| {base} | {before:.3f} | {after:.3f} |" in shown
    assert f"| scratch | \N{EN DASH} | {scratch['corpus']:.3f} |" in shown
    assert "the first 410 characters at most" in shown

    weights = next(Path(base).glob("*.safetensors"))
    kept = weights.read_bytes()
    n_files = len(list((places / "work").iterdir()))
    try:
        weights.write_bytes(kept[:-4] + b"\0\0\0\0")  # other weights under the same name are another base
        assert benchmark.main([*given, "--set", "learning_rate=0.003"]) == 0
    finally:
        weights.write_bytes(kept)
    assert len(list((places / "work").iterdir())) == n_files + 2


def test_an_interrupted_cell_goes_on_from_its_checkpoint(
    benchmark: ModuleType, places: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = options(places, "--shares", "0.5", "--set", "checkpoint_seconds=0")
    whole = result(benchmark, capsys, [*given, "--work", str(places / "other")])["cells"][-1]

    def interrupted(points: Iterable[object], name: str, progress: object, memory: dict[str, Any]) -> None:
        watch(islice(points, 5), name, progress, memory)
        raise KeyboardInterrupt

    watch, steps = benchmark.watch, list[int]()
    with monkeypatch.context() as patch:
        patch.setattr(benchmark, "watch", interrupted)
        assert benchmark.main(given) == 130

    def counted(points: Iterable[Any], name: str, progress: object, memory: dict[str, Any]) -> None:
        watch((steps.append(point.step) or point for point in points), name, progress, memory)

    monkeypatch.setattr(benchmark, "watch", counted)
    resumed = result(benchmark, capsys, given)["cells"][-1]
    assert steps[0] == 5  # the fifth step was done but not kept
    assert {**resumed, "seconds": 0} == {**whole, "seconds": 0}


def test_a_uniform_model_takes_the_logarithm_of_its_vocabulary(
    benchmark: ModuleType,
    places: Path,
    tiny: Callable[[str], Path],  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tiny("llama"))
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    tokenizer = AutoTokenizer.from_pretrained(tiny("llama"))
    adaptable = benchmark.Adaptable(model, tokenizer, "full")
    config = benchmark.stage_config(benchmark.AdaptConfig, ["sequence_length=64"], base="scratch")
    compute = benchmark.Compute(1, "cpu", "fp32", places / "work")
    n_tokens = sum(len(tokenizer(text, add_special_tokens=False)["input_ids"]) + 1 for text in GENERAL)  # and its end
    expected = n_tokens * torch.log2(torch.tensor(float(model.config.vocab_size))).item() / sum(map(len, GENERAL))
    assert benchmark.bits_per_character(adaptable, GENERAL, config, compute) == pytest.approx(expected, rel=1e-5)


def test_a_missing_corpus_exits_with_2(benchmark: ModuleType, places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(options(places, "--corpus", str(places / "nothing"))) == 2
    printed = capsys.readouterr()
    assert "nothing" in printed.err and "no such" in printed.err and not printed.out
    assert not (places / "work").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--general", "{places}/nowhere"), "recipes/starters/prepare.py"),
        (("--shares", "0.5,2"), "--shares 0.5,2: expected shares from 0 (before) to 1"),
        (("--shares", "some"), "--shares some: expected numbers with commas"),
        (("--threads", "0"), "--threads 0: expected at least 1"),
        (("--bases", "{places}/no-model"), "no such folder"),
        (("--set", "epoch=3"), "epoch: unknown key, did you mean epochs?"),
    ],
)
def test_a_faulty_option_exits_with_2_before_anything_is_computed(
    benchmark: ModuleType, places: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, str], message: str
) -> None:
    assert benchmark.main(options(places, more[0], more[1].format(places=places))) == 2
    assert message in capsys.readouterr().err
    assert not (places / "work").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("odd", '{"text": "Un patio."}\n{"secreto": "Zarzal"}\n', 'odd.jsonl:2: expected an object {"text": ...}'),
        ("empty", '{"text": ""}\n', "empty.jsonl: holds no text"),
        ("corpus", '{"text": "Un patio."}\n', "rename the file"),
    ],
)
def test_a_faulty_general_source_is_named_and_not_quoted(
    benchmark: ModuleType, places: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, message: str
) -> None:
    (places / "general" / f"{name}.jsonl").write_text(content, encoding="utf-8")
    assert benchmark.main(options(places)) == 2
    error = capsys.readouterr().err
    assert message in error and "Zarzal" not in error


def test_meddocan_shares_are_nested_by_group(benchmark: ModuleType, data_folder: Path) -> None:
    loaded = benchmark.read_corpus(data_folder / "meddocan", language="es", group_by=r"^(.+)-\d+$")
    texts = benchmark.gather(loaded, {}, 1)
    assert len(texts.measured["corpus"]) == 250 and len(texts.train) == 475
    units: set[str] = set()
    for share in (0.05, 0.25, 0.5, 1.0):
        taken = {document.unit for document in benchmark.take_fraction(texts.train, share, 1)}
        assert units < taken
        units = taken
