import dataclasses
from pathlib import Path
from typing import Any

import pytest

from deidsynth import starters
from deidsynth.config import AdaptConfig, RunConfig, TrainConfig, parse, resolve_adapt, resolve_run
from deidsynth.digests import digest
from deidsynth.documents import Origin
from deidsynth.errors import InputError
from deidsynth.stages import STAGES
from deidsynth.workflow.pipeline_plan import DataShares, external_digests, pipeline_plan
from deidsynth.workflow.plan import Node, Plan, lineage, merge


def plan_of(data: dict[str, Any] | None = None, **changes: Any) -> Plan:
    facts = {"language": "sv", "precision": "fp32", "adapts": True}
    facts |= {name: changes.pop(name) for name in list(changes) if name in facts}
    changes = {"source_digest": digest("corpus"), "origin": "real", **changes}
    run = resolve_run(parse(RunConfig, data or {}), origin=changes["origin"], **facts)
    return pipeline_plan(run, **changes)


def changed(left: Plan, right: Plan) -> set[str]:
    old, new = left.keys(STAGES), right.keys(STAGES)
    assert old.keys() == new.keys()
    return {name for name in old if old[name] != new[name]}


AFTER_ADAPT = {"adapt", "synthesize", "annotate", "synthetic", "evaluate-synthetic", "memorization", "audit"}
AFTER_PSEUDONYMIZE = {"pseudonymize", *AFTER_ADAPT}
AFTER_NER = {"gold", "evaluate-gold", "annotate", "synthetic", "evaluate-synthetic", "audit"}


def test_inputs_come_before_what_needs_them() -> None:
    order = [node.name for node in plan_of().order()]
    assert len(order) == len(set(order)) == 14
    for node in plan_of():
        assert all(order.index(name) < order.index(node.name) for name in node.inputs.values())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"train": {"learning_rate": 0.002}}, AFTER_NER),
        ({"train_synthetic": {"epochs": 3}}, {"synthetic", "evaluate-synthetic", "audit"}),
        ({"adapt": {"epochs": 3}}, AFTER_ADAPT),
        ({"synthesize": {"volume_ratio": 4}}, AFTER_ADAPT - {"adapt"}),
        ({"annotate": {"overlap": 0.5}}, AFTER_NER - {"gold"}),
        ({"memorization": {"n": 4}}, {"memorization"}),
        ({"audit": {"language": "es"}}, {"audit"}),
        ({"pseudonymize": {"copies": 3}}, AFTER_PSEUDONYMIZE),
        ({"pseudonymize": {"labels": {"PET": "first_name"}}}, AFTER_PSEUDONYMIZE),
        ({"pseudonymize": {"annotator": True}}, AFTER_NER),
        ({"seed": 2}, AFTER_PSEUDONYMIZE | AFTER_NER),
        ({"corpus": {"path": "elsewhere"}, "output": "there", "store": "here"}, set()),
    ],
)
def test_a_change_reaches_what_depends_on_it_and_nothing_else(data: dict[str, Any], expected: set[str]) -> None:
    assert changed(plan_of(), plan_of(data)) == expected


def test_other_text_or_another_language_changes_everything() -> None:
    everything = {node.name for node in plan_of()}
    assert changed(plan_of(), plan_of(source_digest=digest("other"))) == everything
    assert changed(plan_of(), plan_of(language="es")) == everything
    assert changed(plan_of(), plan_of({"split": {"seed": 2}})) == everything - {"import"}


def test_the_invented_values_of_prompts_speak_the_language_of_the_corpus() -> None:
    assert plan_of(language="es")["synthesize"].config.prompts.language == "es"
    given = {"synthesize": {"prompts": {"language": "ca"}}}
    assert plan_of(given, language="es")["synthesize"].config.prompts.language == "ca"


def test_precision_changes_what_computes_with_it() -> None:
    models = {"adapt", "synthesize", "gold", "synthetic", "annotate", "evaluate-gold", "evaluate-synthetic"}
    assert changed(plan_of(), plan_of(precision="bf16")) == models | {"memorization", "audit"}


def test_a_new_stage_version_changes_its_nodes_and_what_follows() -> None:
    newer = dataclasses.replace(STAGES["annotate"], version=STAGES["annotate"].version + 1)
    old, new = plan_of().keys(STAGES), plan_of().keys({**STAGES, "annotate": newer})
    assert {name for name in old if old[name] != new[name]} == {"annotate", "synthetic", "evaluate-synthetic", "audit"}


def test_a_local_model_counts_by_its_content_and_not_by_its_place(tmp_path: Path) -> None:
    for name, weights in (("one", "w"), ("same", "w"), ("other", "v")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_text(weights)

    def plan(name: str) -> Plan:
        return plan_of({"adapt": {"base": str(tmp_path / name)}})

    assert changed(plan("one"), plan("same")) == set()
    assert changed(plan("one"), plan("other")) == AFTER_ADAPT


def test_a_prompt_file_counts_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("one")
    data = {"synthesize": {"prompts": {"source": "file", "file": str(file)}}}
    before = plan_of(data)
    file.write_text("two")
    assert changed(before, plan_of(data)) == AFTER_ADAPT - {"adapt"}


def test_nodes_of_equal_meaning_have_one_key_whatever_their_names() -> None:
    nodes = [Node("import", "import", source_digest=digest("x"))]
    nodes += [
        Node(name, "train", TrainConfig(epochs=1), {"corpus": "import"}, seed=1) for name in ("fold-1/gold", "again")
    ]
    keys = Plan(tuple(nodes)).keys(STAGES)
    assert keys["fold-1/gold"] == keys["again"] != keys["import"]


def test_merging_keeps_shared_nodes_once() -> None:
    source = Node("import", "import", source_digest=digest("x"))
    left = Plan((source, Node("a", "train", inputs={"corpus": "import"})))
    right = Plan((source, Node("b", "train", inputs={"corpus": "import"})))
    assert [node.name for node in merge([left, right])] == ["import", "a", "b"]
    with pytest.raises(InputError, match="import: two plans have different nodes"):
        merge([left, Plan((Node("import", "import", source_digest=digest("y")),))])


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([Node("a", "train"), Node("a", "adapt")], "two nodes of the same name"),
        ([Node("a", "train", inputs={"corpus": "b"})], "a: input corpus is b, which is not a node"),
        ([Node("a", "x", inputs={"i": "b"}), Node("b", "x", inputs={"i": "a"})], "has a cycle"),
    ],
)
def test_an_impossible_plan_is_refused(nodes: list[Node], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Plan(tuple(nodes))


def test_a_stage_that_nobody_knows_is_named() -> None:
    with pytest.raises(InputError, match="a: no stage named trane; known: adapt, "):
        Plan((Node("a", "trane"),)).keys(STAGES)


def test_lineage_tells_what_each_artifact_has_seen() -> None:
    plan = plan_of()
    keys = plan.keys(STAGES)

    def seen(name: str) -> dict[str, Any]:
        found = lineage(plan, name, keys, STAGES)
        assert found["invented_data"] == []
        (entry,) = found["real_data"]
        assert entry.pop("source") == keys["import"]
        return entry

    assert seen("import") == {"direct": True, "via": [], "parts": []}
    assert seen("select-test") == {"direct": True, "via": ["import"], "parts": ["test"]}
    assert seen("gold") == {"direct": True, "via": ["import", "select"], "parts": ["train"]}
    assert seen("pseudonymize") == seen("gold")
    assert seen("adapt") == {"direct": True, "via": ["import", "select", "pseudonymize"], "parts": ["train"]}
    annotate = seen("annotate")
    assert set(annotate.pop("via")) == {"import", "select", "pseudonymize", "adapt", "synthesize", "train"}
    assert annotate == {"direct": False, "parts": ["train", "validation"]}
    synthetic = seen("synthetic")
    assert set(synthetic.pop("via")) == {
        "import", "select", "pseudonymize", "adapt", "synthesize", "train", "annotate",
    }  # fmt: skip
    assert synthetic == {"direct": False, "parts": ["train", "validation"]}
    assert seen("evaluate-synthetic")["parts"] == ["test", "train", "validation"]


def test_nothing_that_writes_text_reads_an_identifier() -> None:
    plan = plan_of()
    assert plan["pseudonymize"].inputs == {"corpus": "select-train"}
    assert plan["adapt"].inputs == {"train": "pseudonymize"}
    assert plan["synthesize"].inputs["train"] == "pseudonymize"
    assert plan["memorization"].inputs["train"] == "select-train", "what was memorized is told of the text as it is"
    assert plan["gold"].inputs == {"corpus": "select-train"}
    unadapted = plan_of(shares=DataShares(adaptation=0.0), adapts=False)
    assert unadapted["pseudonymize"].inputs == {"corpus": "select-validation"}
    assert unadapted["synthesize"].inputs["train"] == "pseudonymize"


@pytest.mark.parametrize("origin", ["invented", "synthetic"])
def test_text_of_nobody_is_read_as_it_is(origin: Origin) -> None:
    plan, never = plan_of(origin=origin), plan_of({"pseudonymize": {"mode": "never"}})
    assert plan["adapt"].inputs == {"train": "select-train"} and len(plan) == 13
    assert changed(plan, never) == set()
    assert len(plan_of({"pseudonymize": {"mode": "always"}}, origin=origin)) == 14


def test_the_gold_model_may_read_surrogates_too() -> None:
    one = plan_of({"pseudonymize": {"annotator": True}})
    assert (one["gold"].inputs, len(one)) == ({"corpus": "pseudonymize"}, 14)
    several = plan_of({"pseudonymize": {"annotator": True, "copies": 2}})
    assert several["gold"].inputs == {"corpus": "pseudonymize-annotator"}
    assert several["pseudonymize-annotator"].config.copies == 1
    fewer = plan_of({"pseudonymize": {"annotator": True}}, shares=DataShares(annotator=0.5))
    assert fewer["pseudonymize-annotator"].inputs == {"corpus": "select-annotator"}


def test_invented_text_is_listed_as_such() -> None:
    plan = plan_of(origin="invented")
    found = lineage(plan, "synthetic", plan.keys(STAGES), STAGES)
    assert found["real_data"] == []
    assert [entry["direct"] for entry in found["invented_data"]] == [False]


def test_every_source_is_listed() -> None:
    nodes = (
        Node("a", "import", source_digest=digest("a")),
        Node("b", "import", source_digest=digest("b"), origin="invented"),
        Node("both", "train", inputs={"corpus": "a", "more": "b"}),
        Node("after", "annotate", inputs={"model": "both"}),
    )
    plan = Plan(nodes)
    keys = plan.keys(STAGES)
    assert lineage(plan, "after", keys, STAGES) == {
        "real_data": [{"source": keys["a"], "direct": False, "via": ["import", "train"], "parts": []}],
        "invented_data": [{"source": keys["b"], "direct": False, "via": ["import", "train"], "parts": []}],
    }


def test_a_starter_counts_by_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    data = {"adapt": {"base": "starter"}, "train": {"encoder": "starter"}}
    before = plan_of(data)
    encoder = starters.find("starter", "encoder")
    assert encoder is not None
    newer = [
        dataclasses.replace(each, files={"x": "sha256:0"}) if each == encoder else each for each in starters.catalog()
    ]
    monkeypatch.setattr(starters, "catalog", lambda: tuple(newer))
    after = plan_of(data)
    assert "gold" in changed(before, after) and "adapt" not in changed(before, after)


def test_of_a_server_only_what_it_is_asked_for_counts() -> None:
    def asked(**more: object) -> dict[str, object]:
        endpoint = {"base_url": "http://127.0.0.1:8000/v1", "model": "lm", **more}
        return {"synthesize": {"endpoint": endpoint}}

    local, server = plan_of({"adapt": {"control_codes": []}}), plan_of(asked())
    assert changed(local, server) == AFTER_ADAPT - {"adapt"}
    assert not changed(server, plan_of(asked(base_url="http://127.0.0.1:9000/v1", attempts=3)))
    assert changed(server, plan_of(asked(model="other"))) == AFTER_ADAPT - {"adapt"}
    tokens = asked(prompts="tokens")
    assert changed(server, plan_of({**tokens, "adapt": {"control_codes": []}})) == AFTER_ADAPT - {"adapt"}
    assert plan_of(tokens)["adapt"].config.control_codes == plan_of()["adapt"].config.control_codes


def test_entities_that_the_language_model_writes_are_taken_over() -> None:
    machine, inline = plan_of(), plan_of({"synthesize": {"annotations": "inline"}})
    assert machine["adapt"].config.annotations == "none"
    assert inline["adapt"].config.annotations == "inline"
    assert (inline["annotate"].stage, inline["annotate"].inputs) == ("annotate-inline", {"texts": "synthesize"})
    assert "gold" not in {node.name for node in inline.ancestors("synthetic")}
    assert [node.name for node in inline.order() if node.stage == "annotate"] == []


def test_agreement_compares_the_same_texts_whatever_is_asked_of_it() -> None:
    inline, strict, loose = (
        plan_of({"synthesize": {"annotations": annotations, "agreement": least}})
        for annotations, least in (("inline", 0.9), ("agreement", 0.9), ("agreement", 0.5))
    )
    keys = [plan.keys(STAGES) for plan in (inline, strict, loose)]
    assert keys[0]["synthesize"] == keys[1]["synthesize"] == keys[2]["synthesize"]
    assert keys[1]["annotate-machine"] == keys[2]["annotate-machine"]
    assert keys[0]["annotate"] != keys[1]["annotate"] != keys[2]["annotate"]
    assert strict["annotate"].inputs == {"texts": "synthesize", "machine": "annotate-machine"}
    # Notes are shown by their place in the corpus that was checked, so it is the one that is published.
    assert (inline["memorization"].inputs["texts"], strict["memorization"].inputs["texts"]) == (
        "synthesize",
        "annotate",
    )


def test_what_a_configuration_leads_to_is_digested_wherever_it_is_run(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_text("w")
    config = resolve_adapt(parse(AdaptConfig, {"base": str(tmp_path)}))
    before = external_digests(config)
    weights.write_text("v")
    assert before.keys() == {"base"} and external_digests(config) != before
    assert external_digests(resolve_adapt(AdaptConfig())) == {"base": starters.find("starter", "causal").digest}
    assert external_digests(resolve_adapt(parse(AdaptConfig, {"base": "scratch"}))) == {}
