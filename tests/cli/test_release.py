"""``deidsynth release``: what is refused, all at once and by name, and what may be accepted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import deidsynth.stages
from deidsynth.config import RunConfig, parse
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.errors import InputError
from deidsynth.stages.specification import StageSpec
from deidsynth.workflow.pipeline import run as run_pipeline
from deidsynth.workflow.pipeline_plan import NodeName
from deidsynth.workflow.plan import Plan
from fake_specs import spec_of
from made_audits import MadeAudit, audit_of, write_audit

Release = Callable[..., Result]


@pytest.fixture
def run(stages, corpus, tmp_path) -> Callable[..., Path]:
    """A maker of finished runs, with fakes in place of stages."""

    def make(
        extend: Callable[[Plan], Plan] = lambda plan: plan, more: Mapping[str, StageSpec] | None = None, **changes: Any
    ) -> Path:
        specs = {name: replace(spec, check=None) for name, spec in deidsynth.stages.STAGES.items()}
        data = {"corpus": {"path": str(corpus), "language": "sv"}, "output": str(tmp_path / "runs" / "one")}
        config = parse(RunConfig, {**data, **changes})
        return run_pipeline(
            config, progress=False, stages={**specs, **(more or {})}, device="cpu", extend=extend
        ).folder

    return make


@pytest.fixture
def release(deidsynth, tmp_path) -> Release:
    """A call of the verb, with an audit of the run that passes unless another one is given."""

    def call(run: Path, *more: str | Path, audit: dict[str, Any] | None = None) -> Result:
        file = write_audit(tmp_path / "audited", audit_of(run) if audit is None else audit)
        return deidsynth("release", run, "--output", tmp_path / "bundle", "--audit", file, *more)

    return call


def reasons(result: Result) -> str:
    """What was refused, one line for each reason; nothing may have been written."""
    assert result.exit_code == 1, result.stderr
    assert "not released" in result.stderr
    return result.stderr


def test_a_run_with_an_audit_that_passes_is_released(run, release, tmp_path) -> None:
    result = release(run())
    assert result.exit_code == 0, result.stderr
    for name in ("corpus/corpus.jsonl", "model/README.md", "DATASHEET.md", "audit.html", "checksums.txt", "VERIFY.md"):
        assert name in result.stdout
        assert (tmp_path / "bundle" / name).is_file()
    record = json.loads((tmp_path / "bundle" / "RELEASE.json").read_text(encoding="utf-8"))
    assert (record["verdict"], record["accepted"]) == ("pass", None)


def test_json_says_what_is_in_the_bundle(run, release) -> None:
    result = release(run(), "--json", "--quiet")
    told = json.loads(result.stdout)
    assert (told["released"], told["verdict"], told["accepted"]) == (True, "pass", None)
    assert {part["name"]: part["n_files"] for part in told["parts"]}["corpus/corpus.jsonl"] == 1
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("verdict", "told"),
    [("fail", "linkage fails: training minus held-out is +0.350"), ("no-verdict", "linkage has no verdict")],
)
def test_a_measure_that_does_not_pass_refuses(run, release, tmp_path, verdict, told) -> None:
    made = run()
    result = release(made, audit=audit_of(made, {"linkage": verdict}))
    assert told in reasons(result)
    assert "475 training and 235 held-out groups" in result.stderr
    assert '--accept "REASON"' in result.stderr
    assert not (tmp_path / "bundle").exists()


def test_all_reasons_are_named_at_once(run, release) -> None:
    made = run()
    audit = audit_of(made, {"linkage": "fail", "verbatim_8": "no-verdict"}, without=("text_membership",))
    (made / "synthetic" / "corpus.jsonl.manifest.json").unlink()
    said = reasons(release(made, audit=audit))
    for each in ("linkage fails", "verbatim_8 has no verdict", "text_membership was not run", "lineage is missing"):
        assert each in said


def test_an_audit_that_does_not_pass_as_a_whole_refuses(run, release) -> None:
    made = run()
    assert "as a whole it has no verdict" in reasons(release(made, audit=audit_of(made, verdict="no-verdict")))


def test_the_failure_of_a_measure_can_be_accepted_with_a_reason(run, release, tmp_path) -> None:
    made = run()
    audit = audit_of(made, {"linkage": "fail"})
    why = "Used inside of the hospital | only, by `contract`."
    result = release(made, "--accept", why, audit=audit)
    assert result.exit_code == 0, result.stderr
    assert "accepted: audit: linkage fails" in result.stderr
    record = json.loads((tmp_path / "bundle" / "RELEASE.json").read_text(encoding="utf-8"))
    assert record["verdict"] == "fail"
    assert record["accepted"]["reason"] == why
    assert [each.partition(" fails")[0] for each in record["accepted"]["in_spite_of"]] == ["audit: linkage"]
    for page in ("model/README.md", "DATASHEET.md"):
        text = (tmp_path / "bundle" / page).read_text(encoding="utf-8")
        assert "Released in spite of 1 reason" in text
        assert "inside of the hospital \\| only, by \\`contract\\`." in text


def test_a_reason_without_need_is_not_recorded(run, release, tmp_path) -> None:
    assert release(run(), "--accept", "to be sure").exit_code == 0
    text = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "bundle").rglob("*.md"))
    assert "to be sure" not in text
    assert json.loads((tmp_path / "bundle" / "RELEASE.json").read_text(encoding="utf-8"))["accepted"] is None


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1001])
def test_a_reason_has_to_be_given(run, release, reason) -> None:
    assert release(run(), "--accept", reason).exit_code == 2


def test_without_an_audit_nothing_is_released(run, deidsynth, tmp_path) -> None:
    result = deidsynth("release", run(), "--output", tmp_path / "bundle", "--accept", "we trust it")
    assert "audit: is missing" in reasons(result)
    assert "none of these can be accepted" in result.stderr


@pytest.mark.parametrize("what", ["synthetic", "tagger"])
def test_an_audit_of_something_else_refuses_whatever_is_accepted(run, release, what) -> None:
    made = run()
    audit = audit_of(made)
    audit["audited"][what] = "sha256:" + 64 * "0"
    assert "is of something else than the synthetic" in reasons(release(made, "--accept", "why", audit=audit))
    audit["audited"][what] = None
    assert "does not say that it is of the synthetic" in reasons(release(made, "--accept", "why", audit=audit))


@pytest.mark.parametrize("content", ["", "[]", '{"schema_version": 2}', '{"schema_version": 1, "verdict": "pass"}'])
def test_a_file_that_is_no_audit_is_a_fault_of_the_user(run, deidsynth, tmp_path, content) -> None:
    (tmp_path / "audit.json").write_text(content, encoding="utf-8")
    result = deidsynth("release", run(), "--output", tmp_path / "bundle", "--audit", tmp_path / "audit.json")
    assert result.exit_code == 2
    assert "not an audit as this deidsynth writes it" in result.stderr


def test_an_audit_needs_its_page(run, deidsynth, tmp_path) -> None:
    made = run()
    file = write_audit(tmp_path / "audited", audit_of(made))
    (file.parent / "audit.html").unlink()
    result = deidsynth("release", made, "--output", tmp_path / "bundle", "--audit", file)
    assert "audit.html is missing" in reasons(result)


def test_a_changed_run_refuses_whatever_is_accepted(run, release) -> None:
    made = run()
    audit = audit_of(made)
    with (made / "models" / "synthetic" / "config.json").open("a", encoding="utf-8") as file:
        file.write(" ")
    said = reasons(release(made, "--accept", "it is only a blank", audit=audit))
    assert "run: models/synthetic/config.json: changed" in said


def test_missing_lineage_refuses_whatever_is_accepted(run, release) -> None:
    made = run()
    (made / "models" / "synthetic.manifest.json").unlink()
    said = reasons(release(made, "--accept", "we know it"))
    assert "models/synthetic: lineage is missing: no manifest as it was written" in said
    assert "can be accepted: what changed, or may hold real text, is not released" in said


def test_lineage_in_a_changed_manifest_is_none(run, release) -> None:
    made = run()
    [manifest] = made.parent.rglob("artifacts/adapt-*/manifest.json")
    data = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**data, "lineage": {"invented_data": 5}}), encoding="utf-8")
    said = reasons(release(made, "--accept", "we know it"))
    assert "of what it was made from (model)" in said
    assert "the manifest was changed" in said


def test_a_run_without_its_store_has_no_lineage(run, release) -> None:
    made = run()
    (made.parent / ".deidsynth").rename(made.parent / "elsewhere")
    assert "synthetic/corpus.jsonl: lineage is missing" in reasons(release(made))


@pytest.mark.parametrize(("field", "value"), [("origin", "real"), ("annotation", "gold")])
def test_only_synthetic_text_with_silver_annotation_is_released(
    run, release, stages, monkeypatch, field, value
) -> None:
    def corpus(*arguments: Any) -> Corpus:
        return replace(whole(*arguments), **{field: value})

    whole = stages["annotate"]._corpus
    monkeypatch.setattr(stages["annotate"], "_corpus", corpus)
    told = {"origin": "its text is real and its annotation silver", "annotation": "and its annotation gold"}[field]
    assert told in reasons(release(run(), "--accept", "why"))


def test_a_model_that_was_trained_on_real_text_is_never_released(run, release) -> None:
    def on_gold(plan: Plan) -> Plan:
        changed = (
            replace(node, inputs={"corpus": NodeName.TRAIN}) if node.name == NodeName.SYNTHETIC else node
            for node in plan
        )
        return Plan(tuple(changed))

    said = reasons(release(run(on_gold), "--accept", "nobody will see it"))
    assert "models/synthetic: was trained on real text" in said


def test_notes_that_begin_with_words_of_real_notes_are_never_released(run, release) -> None:
    made = run(synthesize={"prompts": {"pii": "keep"}})
    assert "begin with the first words of real notes" in reasons(release(made, "--accept", "as in the paper"))


def test_prompts_of_invented_notes_may_be_kept(stages, corpus, run, release) -> None:
    write_jsonl(replace(read_jsonl(corpus), origin="invented"), corpus)
    assert release(run(synthesize={"prompts": {"pii": "keep"}})).exit_code == 0


def test_prompts_from_a_file_are_accepted_only_with_a_reason(run, release, tmp_path) -> None:
    (tmp_path / "prompts.txt").write_text("Informe\n", encoding="utf-8")
    made = run(synthesize={"prompts": {"source": "file", "file": str(tmp_path / "prompts.txt")}})
    assert "begin with prompts from a file" in reasons(release(made))
    assert release(made, "--accept", "invented").exit_code == 0


@pytest.mark.parametrize(
    ("section", "key", "words"),
    [("train", "encoder", "its encoder"), ("adapt", "base", "the language model")],
)
def test_a_base_is_what_its_own_manifest_says(run, release, tmp_path, section, key, words) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}", encoding="utf-8")
    settings = {section: {key: str(base)}, **({"train_synthetic": {key: str(base)}} if section == "train" else {})}
    made = run(**settings)
    said = reasons(release(made))
    assert f"{words} began from a local folder" in said
    assert str(base) not in said
    assert release(made, "--accept", "downloaded from the hub").exit_code == 0
    lineage = {"real_data": [{"source": "sha256:0", "direct": True, "via": [], "parts": []}]}
    manifest = {"stage": "train", "files": {}, "lineage": lineage}
    (base / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / "bundle").rename(tmp_path / "bundle-before")
    said = reasons(release(run(**settings), "--accept", "downloaded from the hub"))
    assert f"{words} began from a model that saw real text" in said


def test_notes_that_no_file_holds_are_left_out_and_counted(run, release, stages, monkeypatch, tmp_path) -> None:
    def corpus(*arguments: Any) -> Corpus:
        made = whole(*arguments)
        return made.with_documents([*made, Document("odd", "Hej\0Bo"), Document("mark", "\ufeffHej")])

    whole = stages["annotate"]._corpus
    monkeypatch.setattr(stages["annotate"], "_corpus", corpus)
    made = run()
    assert release(made).exit_code == 0
    n_documents = len((made / "synthetic" / "corpus.jsonl").read_text(encoding="utf-8").splitlines())
    record = json.loads((tmp_path / "bundle" / "RELEASE.json").read_text(encoding="utf-8"))["corpus"]
    assert (record["n_documents"], record["n_left_out"]) == (n_documents - 2, 2)
    assert "2 of the run's notes were left out" in (tmp_path / "bundle" / "DATASHEET.md").read_text(encoding="utf-8")


def test_a_folder_in_use_is_refused_and_left_alone(run, release, tmp_path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "mine").write_text("mine", encoding="utf-8")
    assert release(run()).exit_code == 2
    assert [path.name for path in (tmp_path / "bundle").iterdir()] == ["mine"]


def test_a_bundle_is_not_written_into_the_run_or_its_store(run, deidsynth, tmp_path) -> None:
    made = run()
    file = write_audit(tmp_path / "audited", audit_of(made))
    for place in (made / "bundle", made.parent / ".deidsynth" / "bundle"):
        result = deidsynth("release", made, "--output", place, "--audit", file)
        assert result.exit_code == 2
        assert "which is private" in result.stderr


def test_an_unfinished_run_is_not_released(run, deidsynth, stages, tmp_path) -> None:
    stages["annotate"].error = InputError("out of notes")
    with pytest.raises(InputError):
        run()
    result = deidsynth("release", tmp_path / "runs" / "one", "--output", tmp_path / "bundle", "--accept", "now")
    said = reasons(result)
    assert "run: unfinished" in said
    assert "synthetic/corpus.jsonl: lineage is missing" in said


def test_what_is_no_run_is_a_fault_of_the_user(deidsynth, tmp_path) -> None:
    assert deidsynth("release", tmp_path, "--output", tmp_path / "bundle").exit_code == 2


def test_an_audit_that_holds_a_digest_of_private_data_does_not_get_out(run, release, tmp_path) -> None:
    made = run()
    manifest = json.loads((made / "test" / "test.jsonl.manifest.json").read_text(encoding="utf-8"))
    audit = audit_of(made, why=f"compared {manifest['content_digest']}")
    assert "audit.json would hold" in reasons(release(made, audit=audit))
    audit = audit_of(made, why=f"compared what is in {made}")
    assert "audit.json would hold" in reasons(release(made, audit=audit))
    assert not (tmp_path / "bundle").exists()
    assert not list(tmp_path.glob(".*.tmp"))


def test_the_failure_of_the_own_audit_is_not_undone_by_another(run, release) -> None:
    made = run(more={"audit": spec_of(MadeAudit({"verbatim_20": "fail", "linkage": "no-verdict"}))})
    said = reasons(release(made))
    assert "verbatim_20 fails" in said
    assert "linkage" not in said


def test_the_own_audit_of_a_run_is_taken_without_being_given(run, deidsynth, tmp_path) -> None:
    made = run(more={"audit": spec_of(MadeAudit())})
    result = deidsynth("release", made, "--output", tmp_path / "bundle")
    assert result.exit_code == 0, result.stderr
    record = json.loads((tmp_path / "bundle" / "RELEASE.json").read_text(encoding="utf-8"))
    assert record["audit"] == "of the run"
