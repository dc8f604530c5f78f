"""Policies: what becomes of each label, and nothing of what stands between."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.config import Policy
from deidsynth.config.policy import Action
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.policies import Replacer, load_policy
from deidsynth.documents import Document, Entity
from deidsynth.errors import ConfigError
from marked_finds import found, new_surfaces


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("tag", "Dr <NAME>Ana Ek</NAME>, <CITY>Ås</CITY>."),
        ("mask", "Dr [NAME], [CITY]."),
        ("number", "Dr [NAME-1], [CITY-1]."),
        ("remove", "Dr , ."),
        ("keep", "Dr Ana Ek, Ås."),
    ],
)
def test_actions_by_hand(action: Action, text: str) -> None:
    made = Replacer(Policy(default=action), language=None)(found("Dr {NAME:Ana Ek}, {CITY:Ås}."))
    assert made.text == text
    assert [each.action for each in made.replacements] == [action] * 2
    assert [(each.start, each.end, each.label) for each in made.replacements] == [(3, 9, "NAME"), (11, 13, "CITY")]


@st.composite
def _documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(max_size=30))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    return Document("1", text, tuple(Entity(start, end, draw(st.sampled_from("AB"))) for start, end in spans))


@settings(max_examples=150)
@given(_documents())
def test_offsets_are_those_of_the_new_text_and_the_rest_stays(document: Document) -> None:
    searched = Found(document, ("model",) * len(document.entities))
    forms: dict[Action, str] = {
        "mask": "[{label}]",
        "tag": "<{label}>{value}</{label}>",
        "remove": "",
        "keep": "{value}",
    }
    for action, form in forms.items():
        made = Replacer(Policy(default=action), language=None)(searched)
        assert made.entities == document.entities
        for old, new in zip(document.entities, made.replacements, strict=True):
            assert (new.start, new.end, new.label) == old.key
            shown = form.format(label=old.label, value=document.surface(old))
            assert made.text[new.new_start : new.new_end] == shown
        assert _between(made.text, [(each.new_start, each.new_end) for each in made.replacements]) == _between(
            document.text, [(each.start, each.end) for each in document.entities]
        )


def _between(text: str, spans: list[tuple[int, int]]) -> list[str]:
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)]
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]


def test_each_label_has_an_action_of_its_own() -> None:
    policy = Policy(default="remove", labels={"CITY": "keep"})
    assert Replacer(policy, language="sv")(found("{NAME:Ana} i {CITY:Ås}")).text == " i Ås"


def test_two_adjacent_entities_give_two_replacements() -> None:
    made = Replacer(Policy(), language=None)(found("x{FIRST_NAME:Anna}{LAST_NAME:Berg}y"))
    assert made.text == "x[FIRST_NAME][LAST_NAME]y"
    assert len(made.replacements) == 2


def test_a_name_in_the_genitive_is_of_the_same_person_where_the_language_has_one() -> None:
    numbered = Policy(default="number")
    assert new_surfaces(Replacer(numbered, language="nl")(found("{NAME:Berg}, {NAME:Bergs}"))) == ["[NAME-1]"] * 2
    made = Replacer(numbered, language="es")(found("{NAME:Torre}, {NAME:Torres}"))
    assert new_surfaces(made) == ["[NAME-1]", "[NAME-2]"]


def test_the_same_person_has_the_same_number() -> None:
    text = "{NAME:Anna Berg} såg {NAME:Erik Ek}. {NAME:BERGS} hund, {NAME:A. Berg}, {NAME:Ek}. {CITY:Ås}, {CITY:ås}"
    made = Replacer(Policy(default="number"), language="sv")(found(text))
    assert made.text == "[NAME-1] såg [NAME-2]. [NAME-1] hund, [NAME-1], [NAME-2]. [CITY-1], [CITY-1]"


def test_a_surname_of_two_people_goes_to_the_one_named_last() -> None:
    text = "{NAME:Anna Berg}, {NAME:Erik Berg}, {NAME:Berg}, {NAME:Anna}, {NAME:Berg}"
    made = Replacer(Policy(default="number"), language="sv")(found(text))
    assert new_surfaces(made) == [f"[NAME-{number}]" for number in (1, 2, 2, 1, 1)]


def test_a_scope_beyond_the_document_needs_a_key() -> None:
    for scope in ("patient", "corpus"):
        with pytest.raises(ConfigError, match=f"scope: {scope} needs a key.*give a file of random bytes"):
            Replacer(Policy(default="surrogate", scope=scope), language="sv")
    assert not Replacer(Policy(scope="corpus"), language="sv").needs_scope_surfaces


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="key: expected at least 16 bytes, got 3"):
        Replacer(Policy(), language="sv", key=b"abc")


def test_a_policy_is_read_and_its_faults_are_listed(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("default: surrogate\nlanguage: no\nlabels: {AGE: keep}\ndates: {whole_weeks: true}\n")
    policy = load_policy(file)
    assert (policy.default, policy.language, policy.labels["AGE"]) == ("surrogate", "no", "keep")
    file.write_text("default: hide\nlabel: {AGE: keep}\n")
    with pytest.raises(ConfigError, match="2 problems"):
        load_policy(file)
