"""The pipeline from corpus to report with stages that only count words, so that no test needs torch."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from deidsynth.config import (
    AdaptConfig,
    AnnotateConfig,
    EvaluateConfig,
    MemorizationConfig,
    RunConfig,
    SelectConfig,
    StageConfig,
    SynthesizeConfig,
    TrainConfig,
    parse,
)
from deidsynth.corpora import make_splits, read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import ConfigError, CorpusError, InputError, OutputInUseError
from deidsynth.metrics import Counts
from deidsynth.progress import SilentProgress
from deidsynth.report.content import RunReport, SharedGroups
from deidsynth.stages.specification import StageContext, StageSpec
from deidsynth.workflow.pipeline import RunResult, preview, render_report, run, shown_notes
from deidsynth.workflow.preparation import output_folder, store_folder
from deidsynth.workflow.run_folder import RunFolder, list_runs, show_run, verify_run
from deidsynth.workflow.run_verification import check_run
from deidsynth.workflow.store import Store
from fake_specs import specs_of
from made_audits import MadeAudit
from run_reports import memorization, recall, scores

NAMES = ("Alva", "Bo", "Cia", "Dag")


def notes(prefix: str, n_documents: int) -> list[Document]:
    texts = [f"Note {number} of {NAMES[number % 4]} today" for number in range(n_documents)]
    return [
        Document(f"{prefix}{number}", text, (Entity(text.index("of") + 3, text.index(" today"), "NAME"),))
        for number, text in enumerate(texts)
    ]


@dataclass
class Fake:
    """Stands in for every stage; remembers its runs, and dies in the stage that the environment names."""

    name: str
    runs: list[StageConfig] = field(default_factory=list)

    def run(self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext) -> Mapping[str, Any]:
        self.runs.append(config)
        (output / "half").write_text("a file that an attempt which is killed leaves behind")
        if os.environ.get("DIE_IN") == self.name and not (context.scratch / "died").exists():
            (context.scratch / "died").write_text("")
            os.kill(os.getpid(), signal.SIGKILL)
        (output / "half").unlink()
        facts: Mapping[str, Any] = getattr(self, f"_{self.name}")(config, inputs, output) or {}
        return facts

    def _select(self, config: SelectConfig, inputs: Mapping[str, Path], output: Path) -> Mapping[str, Any]:
        corpus = read_jsonl(inputs["corpus"] / "documents.jsonl")
        parts = json.loads((inputs["corpus"] / "parts.json").read_text())
        chosen = make_splits(corpus, parts, config.split)[config.part]
        write_jsonl(chosen, output / "corpus.jsonl")
        return {"n_documents": len(chosen)}

    def _pseudonymize(self, config: StageConfig, inputs: Mapping[str, Path], output: Path) -> None:
        write_jsonl(read_jsonl(inputs["corpus"] / "corpus.jsonl"), output / "corpus.jsonl")

    def _model(self, output: Path, content: object) -> None:
        (output / "model").mkdir(exist_ok=True)
        (output / "model" / "config.json").write_text(json.dumps(content))
        points = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}]
        (output / "curve.jsonl").write_text("".join(json.dumps(point) + "\n" for point in points))

    def _adapt(self, config: AdaptConfig, inputs: Mapping[str, Path], output: Path) -> None:
        assert set(inputs) == {"train"}
        self._model(output, {"epochs": config.epochs})

    def _synthesize(self, config: SynthesizeConfig, inputs: Mapping[str, Path], output: Path) -> None:
        count = round(config.volume_ratio * len(read_jsonl(inputs["train"] / "corpus.jsonl")))
        documents = [Document(note.doc_id, note.text) for note in notes("synthetic-", count)]
        write_jsonl(Corpus(tuple(documents), origin="synthetic", annotation="silver"), output / "corpus.jsonl")
        (output / "samples.jsonl").write_text("")

    def _train(self, config: TrainConfig, inputs: Mapping[str, Path], output: Path) -> None:
        corpus = read_jsonl(inputs["corpus"] / "corpus.jsonl")
        self._model(output, {"annotation": corpus.annotation, "epochs": config.epochs})
        if config.task_adaptive_pretraining.epochs != 0:
            (output / "pretraining.jsonl").write_text('{"step": 1, "train_loss": 3.0}\n')

    def _annotate(self, config: AnnotateConfig, inputs: Mapping[str, Path], output: Path) -> None:
        texts = read_jsonl(inputs["texts"] / "corpus.jsonl")
        assert (inputs["model"] / "model" / "config.json").is_file()
        write_jsonl(texts.with_documents(notes("synthetic-", len(texts))), output / "corpus.jsonl")

    def _evaluate(self, config: EvaluateConfig, inputs: Mapping[str, Path], output: Path) -> None:
        model = json.loads((inputs["model"] / "model" / "config.json").read_text())
        # F1 is 3/4 and 1/2.
        counts = Counts(3, 1, 1) if model["annotation"] == "gold" else Counts(1, 1, 1)
        gold = read_jsonl(inputs["corpus"] / "corpus.jsonl")
        (output / "scores.json").write_text(json.dumps(scores(counts, len(gold))))
        found = gold if model["annotation"] == "gold" else [gold[0].with_entities(()), *gold[1:]]
        write_jsonl(gold.with_documents(found), output / "predictions.jsonl")

    def _memorization(self, config: MemorizationConfig, inputs: Mapping[str, Path], output: Path) -> None:
        assert set(inputs) == {"texts", "train", "validation", "held_out"}
        shown = list(range(0, len(read_jsonl(inputs["texts"] / "corpus.jsonl")), 2))
        (output / "memorization.json").write_text(json.dumps(memorization(recall(0.25), recall(0.125), shown)))

    def _audit(self, config: StageConfig, inputs: Mapping[str, Path], output: Path) -> Mapping[str, Any]:
        assert set(inputs) == {"synthetic", "train", "held_out", "tagger-synthetic"}
        return MadeAudit().run(config, inputs, output, StageContext(output))


STAGES = ("select", "adapt", "synthesize", "train", "annotate", "evaluate", "memorization", "audit")


def fakes() -> dict[str, StageSpec]:
    return specs_of({name: Fake(name) for name in (*STAGES, "pseudonymize")})


def config_of(home: Path, **changes: Any) -> RunConfig:
    data: dict[str, Any] = {
        "corpus": {"path": str(home / "notes"), "language": "sv", "origin": "invented"},
        "output": str(home / "runs" / "one"),
        "precision": "fp32",
        "synthesize": {"volume_ratio": 2},
    }
    return parse(RunConfig, {**data, **changes})


def go(config: RunConfig, stages: dict[str, StageSpec] | None = None) -> RunResult:
    return run(config, stages=stages or fakes(), device="cpu")


def computed(result: RunResult) -> list[str]:
    return sorted(node.name for node in result.results if node.status == "done")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    write_jsonl(Corpus(tuple(notes("train-", 20)), origin="invented"), tmp_path / "notes" / "train.jsonl")
    write_jsonl(Corpus(tuple(notes("test-", 5)), origin="invented"), tmp_path / "notes" / "test.jsonl")
    return tmp_path


EVERYTHING = [
    "adapt",
    "annotate",
    "audit",
    "evaluate-gold",
    "evaluate-synthetic",
    "gold",
    "import",
    "memorization",
    "select-test",
    "select-train",
    "select-validation",
    "synthesize",
    "synthetic",
]


def test_a_run_leaves_the_folder_that_was_promised(home: Path) -> None:
    result = go(config_of(home))
    assert computed(result) == EVERYTHING
    assert not result.unchanged
    assert result.folder == home / "runs" / "one"
    files = {path.relative_to(result.folder).as_posix() for path in result.folder.rglob("*") if path.is_file()}
    assert files == {
        ".lock",
        "run.json",
        "run.yaml",
        "report.html",
        "report.json",
        *(f"audit/audit.{kind}{end}" for kind in ("html", "json") for end in ("", ".manifest.json")),
        "synthetic/corpus.jsonl",
        "models/lm/config.json",
        "models/gold/config.json",
        "models/synthetic/config.json",
        "synthetic/corpus.jsonl.manifest.json",
        *(f"models/{name}.manifest.json" for name in ("lm", "gold", "synthetic")),
        "test/errors.html",
        *(
            f"test/{name}{end}"
            for name in ("test.jsonl", "gold/predictions.jsonl", "synthetic/predictions.jsonl")
            for end in ("", ".manifest.json")
        ),
    }
    assert json.loads((result.folder / "models/synthetic/config.json").read_text())["annotation"] == "silver"
    assert verify_run(result.folder) == []
    assert (home / "runs" / ".deidsynth").stat().st_mode & 0o777 == 0o700


def test_run_folder_and_manifests_hold_the_numbers_that_were_taken(home: Path) -> None:
    result = go(config_of(home))
    written = yaml.safe_load((result.folder / "run.yaml").read_text())
    manifests = {node.name: node.artifact.manifest for node in result.results}
    assert (written["adapt"]["learning_rate"], written["adapt"]["epochs"], written["adapt"]["method"]) == (
        0.0015,
        2.5,
        "full",
    )
    assert manifests["adapt"].config == written["adapt"]
    assert manifests["gold"].config == written["train"]
    assert manifests["gold"].config["learning_rate"] == manifests["synthetic"].config["learning_rate"] == 0.0025
    assert written["train_synthetic"] == {"mention_replacement": 0.7, "format_variation": 0.5, "language": "sv"}
    again = go(parse(RunConfig, written))
    assert again.unchanged


def test_the_report_keeps_its_contract(home: Path) -> None:
    result = go(config_of(home))
    report = json.loads((result.folder / "report.json").read_text())
    assert report == result.report.to_dict()
    assert RunReport.read(result.folder / "report.json") == result.report
    assert report["schema_version"] == 4
    assert report["models"]["gold"]["strict"]["f1"] == 0.75
    assert report["difference"] == {"strict_f1": -0.25, "token_f1": -0.25}
    assert (result.gold.strict.f1, result.synthetic.strict.f1) == (0.75, 0.5)
    assert result.synthetic.per_label["NAME"].recall == 0.5
    stages = {stage["name"]: stage for stage in report["stages"]}
    assert sorted(stages) == EVERYTHING
    shown = {"title", "box", "fact_titles", "headline"}
    assert set(stages["gold"]) == {"name", "stage", "key", "status", "duration_seconds", "facts"} | shown
    assert (stages["gold"]["title"], stages["gold"]["box"]) == ("Train the gold model", "train_gold")
    assert stages["evaluate-gold"]["headline"] == ["strict_f1", "token_f1"]
    assert stages["evaluate-gold"]["fact_titles"]["token_f1"] == "token F1"
    assert stages["select-test"]["facts"] == {"n_documents": 5}
    assert {name: each["n_documents"] for name, each in report["corpora"].items()} == {
        "train": 19,
        "validation": 1,
        "test": 5,
        "synthetic": 38,
    }
    assert [point["loss"] for point in report["curves"]["gold"]] == [2.0, 1.0]
    assert report["memorization"]["train"]["recall"] == 0.25
    assert (report["language"], report["origin"], report["device"]) == ("sv", "invented", "cpu")
    assert report["config"]["synthesize"]["volume_ratio"] == 2
    text = (result.folder / "report.json").read_text()
    assert str(home) not in text
    assert not any(name in text for name in NAMES)


def test_curves_tell_of_pretraining_where_there_was_some(home: Path) -> None:
    fresh = {"task_adaptive_pretraining": {"epochs": 0}}
    curves = go(config_of(home, train_synthetic=fresh)).report.curves
    assert list(curves) == ["adapt", "gold_pretraining", "gold", "synthetic"]
    assert curves["gold_pretraining"] == ({"step": 1, "train_loss": 3.0},)


def test_shown_notes_are_synthetic_and_spread_over_those_that_passed(home: Path) -> None:
    result = go(config_of(home))
    shown = [int(note.doc_id.removeprefix("synthetic-")) for note in shown_notes(result.folder, result.report)[0]]
    assert len(shown) == 12
    assert all(number % 2 == 0 for number in shown)
    assert shown == sorted(set(shown))
    assert shown[0] == 0
    assert shown[-1] >= 32

    def those(*numbers: int) -> list[str]:
        few = result.report.memorization.model_copy(update={"shown": numbers})
        report = result.report.model_copy(update={"memorization": few})
        return [note.doc_id for note in shown_notes(result.folder, report)[0]]

    assert those(3, 5) == ["synthetic-3", "synthetic-5"]
    assert those() == []


def test_the_least_certain_notes_are_others_that_passed(home: Path) -> None:
    result = go(config_of(home))
    corpus = read_jsonl(result.folder / "synthetic" / "corpus.jsonl")
    scored = [
        Document(each.doc_id, each.text, (Entity(0, 1, "NAME", 1 - number / 100),))
        for number, each in enumerate(corpus)
    ]
    write_jsonl(corpus.with_documents(scored), result.folder / "synthetic" / "corpus.jsonl")
    passed = result.report.memorization.shown
    shown, least_certain = shown_notes(result.folder, result.report)
    spread = {note.doc_id for note in shown}
    others = [f"synthetic-{number}" for number in reversed(passed) if f"synthetic-{number}" not in spread]
    assert [note.doc_id for note in least_certain] == others[:6]


def test_groups_in_two_parts_are_counted_and_told(home: Path) -> None:
    class Listener(SilentProgress):
        lines: list[str] = []  # noqa: RUF012

        def message(self, text: str) -> None:
            self.lines.append(text)

    apart = go(config_of(home))
    assert apart.report.shared_groups == SharedGroups(train_test=0, validation_test=0)
    # Numbers end in 0 to 9 in train (20 notes, one of them for validation) and in 0 to 4 in test.
    corpus = {"path": str(home / "notes"), "language": "sv", "origin": "invented", "group_by": r"(\d)$"}
    listener = Listener()
    shared = run(config_of(home, corpus=corpus), stages=fakes(), device="cpu", progress=listener)
    counts = shared.report.shared_groups
    assert counts.train_test + counts.validation_test == 5
    warnings = [line for line in listener.lines if line.startswith("warning:")]
    assert f"warning: {counts.train_test} groups of documents occur in both train and test" in warnings[0]
    assert "Shared groups." in (shared.folder / "report.html").read_text()


def test_a_second_run_does_nothing_and_says_so(home: Path) -> None:
    first = go(config_of(home))
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file() and path.name != ".lock"}
    stages = {name: Fake(name) for name in STAGES}
    again = go(config_of(home), specs_of(stages))
    assert again.unchanged
    assert again.report == first.report
    assert all(not stage.runs for stage in stages.values())
    after = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file() and path.name != ".lock"}
    assert after == before


def test_a_run_of_an_earlier_version_goes_on_without_computing_and_has_all_digests_then(home: Path) -> None:
    folder = go(config_of(home)).folder
    for place in home.rglob("*manifest.json"):
        data = json.loads(place.read_text())
        del data["manifest_digest"]
        place.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n")
    record = json.loads((folder / "run.json").read_text())
    del record["record_digest"], record["files"]
    for entry in record["published"].values():
        del entry["manifest"]
    (folder / "run.json").write_text(json.dumps(record, indent=2) + "\n")
    assert check_run(folder).status == "whole"
    models = {path: path.stat().st_ino for path in (folder / "models").rglob("*") if path.is_file()}
    again = go(config_of(home))
    assert again.unchanged
    assert {path: path.stat().st_ino for path in models} == models, "what is there is not copied again"
    assert [note.partition(" ")[0] for note in check_run(folder).notes] == ["13"]
    (folder / "report.html").write_text("spoiled")
    assert verify_run(folder) == ["report.html: changed"]
    assert not go(config_of(home)).unchanged
    assert verify_run(folder) == []


def test_another_learning_rate_for_ner_leaves_what_is_upstream(home: Path) -> None:
    go(config_of(home))
    result = go(config_of(home, train={"learning_rate": 0.002}))
    assert computed(result) == [
        "annotate",
        "audit",
        "evaluate-gold",
        "evaluate-synthetic",
        "gold",
        "synthetic",
    ]
    assert not result.unchanged


def test_going_back_computes_nothing_and_publishes_again(home: Path) -> None:
    first = go(config_of(home))
    go(config_of(home, train={"epochs": 9}))
    back = go(config_of(home))
    assert computed(back) == []
    assert not back.unchanged
    assert json.loads((back.folder / "models/gold/config.json").read_text())["epochs"] == 6
    assert {stage.status for stage in back.report.stages} == {"cached"}
    durations = [[stage.duration_seconds for stage in report.stages] for report in (first.report, back.report)]
    assert durations[0] == durations[1]


def test_what_is_missing_from_the_folder_is_put_back(home: Path) -> None:
    go(config_of(home))
    folder = home / "runs" / "one"
    (folder / "report.html").unlink()
    (folder / "models/lm/config.json").unlink()
    result = go(config_of(home))
    assert computed(result) == []
    assert not result.unchanged
    assert (folder / "report.html").is_file()
    assert verify_run(folder) == []


def test_another_place_for_the_corpus_is_no_change(home: Path) -> None:
    go(config_of(home))
    (home / "notes").rename(home / "moved")
    corpus = {"path": str(home / "moved"), "language": "sv", "origin": "invented"}
    assert computed(go(config_of(home, corpus=corpus))) == []


def test_other_text_in_the_corpus_is_a_change(home: Path) -> None:
    go(config_of(home))
    write_jsonl(Corpus(tuple(notes("test-", 6)), origin="invented"), home / "notes" / "test.jsonl")
    assert computed(go(config_of(home))) == EVERYTHING


def test_the_written_configuration_runs_again(home: Path) -> None:
    go(config_of(home))
    data = yaml.safe_load((home / "runs" / "one" / "run.yaml").read_text())
    assert data["synthesize"]["top_p"] == 0.95
    assert go(parse(RunConfig, data)).unchanged


def test_two_runs_share_the_store(home: Path) -> None:
    go(config_of(home))
    result = go(config_of(home, output=str(home / "runs" / "two")))
    assert computed(result) == []
    assert verify_run(home / "runs" / "two") == []
    assert [run["status"] for run in list_runs(home / "runs")] == ["finished", "finished"]


def test_lineage_is_in_every_manifest(home: Path) -> None:
    corpus = {"path": str(home / "notes"), "language": "sv", "origin": "real"}
    result = go(config_of(home, corpus=corpus))
    assert result.report.origin == "real"
    shown = {entry["name"]: entry for entry in show_run(result.folder)["artifacts"]}
    assert list(shown) == [node.name for node in result.results]
    assert [entry["direct"] for entry in shown["synthetic"]["lineage"]["real_data"]] == [False]
    assert shown["adapt"]["lineage"]["real_data"][0]["via"] == ["import", "select", "pseudonymize"]
    assert [entry["direct"] for entry in shown["gold"]["lineage"]["real_data"]] == [True]


def test_a_preview_knows_what_is_there(home: Path) -> None:
    before = preview(config_of(home), stages=fakes(), device="cpu")
    assert sorted(node["name"] for node in before) == EVERYTHING
    assert not any(node["present"] for node in before)
    assert not (home / "runs").exists()
    go(config_of(home))
    after = preview(config_of(home, adapt={"epochs": 2}), stages=fakes(), device="cpu")
    absent = {node["name"] for node in after if not node["present"]}
    assert absent == {"adapt", "synthesize", "annotate", "synthetic", "evaluate-synthetic", "memorization", "audit"}


def test_a_report_page_can_be_made_again(home: Path) -> None:
    result = go(config_of(home))
    page = result.folder / "report.html"
    first = page.read_text()
    page.write_text("spoiled")
    assert render_report(result.folder) == page
    assert page.read_text() == first
    assert go(config_of(home)).unchanged
    (result.folder / "synthetic/corpus.jsonl").unlink()
    with pytest.raises(InputError, match=r"corpus\.jsonl: missing; run again to publish it"):
        render_report(result.folder)


def test_faults_of_the_input_leave_no_folder(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"corpus\.path: no corpus; give one with --corpus"):
        go(config_of(home, corpus={}))
    with pytest.raises(ConfigError, match=r"corpus\.language: the corpus does not state its language"):
        go(config_of(home, corpus={"path": str(home / "notes")}))
    (home / "notes" / "train.jsonl").write_text("{\n")
    with pytest.raises(CorpusError):
        go(config_of(home))
    assert not (home / "runs").exists()


def test_two_runs_cannot_write_one_folder(home: Path) -> None:
    with RunFolder(home / "runs" / "one").claim(), pytest.raises(OutputInUseError, match="choose another one"):
        go(config_of(home))


def test_default_places() -> None:
    config = parse(RunConfig, {"corpus": {"path": "/data/my notes.jsonl"}})
    assert output_folder(config) == Path("runs/my-notes")
    assert store_folder(config) == Path("runs/.deidsynth")
    assert store_folder(parse(RunConfig, {"store": "/s"})) == Path("/s")
    with pytest.raises(ConfigError, match="output: no run folder; give one with --output"):
        output_folder(RunConfig())


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_that_was_killed_in_a_stage_completes_and_verifies(
    home: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIE_IN", stage)
    victim = multiprocessing.get_context("fork").Process(target=go, args=(config_of(home),))
    victim.start()
    victim.join()
    assert victim.exitcode == -signal.SIGKILL
    monkeypatch.delenv("DIE_IN")
    finished = Store(home / "runs" / ".deidsynth").artifacts()
    result = go(config_of(home))
    assert len(computed(result)) == len(EVERYTHING) - len(finished)
    assert verify_run(result.folder) == []
    assert not list((home / "runs" / ".deidsynth" / "work").iterdir())


def test_importing_the_pipeline_brings_no_torch() -> None:
    check = "import sys, deidsynth.workflow.pipeline; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
