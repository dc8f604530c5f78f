from __future__ import annotations

import doctest
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from deidsynth.errors import InputError
from deidsynth.privacy.audit import gate
from deidsynth.privacy.audit.figures import Judged, Measured, MeasureName
from deidsynth.privacy.audit.gate import Tolerances, conclude, judge
from deidsynth.privacy.audit.statistics import share_difference

TOLERANCES = Tolerances.default()
NAMES = [name for name in get_args(MeasureName) if name != "validity"]


def measured(low: float, high: float, name: MeasureName = "rare_values", **other) -> Measured:
    middle = (low + high) / 2
    made = Measured(name, "share", 0.3 + middle, 0.3, middle, (low, high), (475, 235), 0.05)
    return replace(made, **other)


def validity(low: float, high: float) -> Judged:
    figures = {"kind": "auc", "train": 0.5 + (low + high) / 2, "held_out": 0.5}
    return judge(measured(low, high, "validity", **figures), TOLERANCES)


@pytest.mark.parametrize(
    ("low", "high", "verdict", "word"),
    [
        (-0.04, 0.06, "pass", "within"),
        (-0.1, 0.1, "pass", "within"),
        (0.11, 0.2, "fail", "excess is at least 0.110"),
        (-0.2, -0.11, "fail", "deficit is at least 0.110"),
        (-0.01, 0.11, "no-verdict", "an excess beyond"),
        (0.09, 0.3, "no-verdict", "an excess beyond"),
        (-0.11, 0.01, "no-verdict", "a deficit beyond"),
        (-0.2, 0.2, "no-verdict", "an excess and a deficit beyond"),
    ],
)
def test_a_verdict_is_about_the_whole_interval(low, high, verdict, word) -> None:
    judged = judge(measured(low, high), TOLERANCES)
    assert (judged.verdict, judged.tolerance) == (verdict, (-0.1, 0.1))
    assert word in judged.why


@given(st.floats(-1, 1), st.floats(0, 1), st.sampled_from(NAMES))
def test_a_pass_is_within_the_limits_and_a_fail_beyond_them(low, width, name) -> None:
    judged = judge(measured(low, low + width, name, held_out=0.0), TOLERANCES)
    lower, upper = judged.tolerance
    assert (judged.verdict == "pass") == (lower <= low and low + width <= upper)
    assert (judged.verdict == "fail") == (low > upper or low + width < lower)


def test_without_a_figure_there_is_no_verdict_and_the_reason_is_told() -> None:
    judged = judge(Measured.missing("linkage", "share", "no quasi identifiers"), TOLERANCES)
    assert (judged.verdict, judged.why) == ("no-verdict", "no quasi identifiers")


def test_a_handful_of_groups_has_no_verdict() -> None:
    judged = judge(share_difference([False, False], [False]).measured("rare_values", "share"), TOLERANCES)
    assert judged.verdict == "no-verdict"
    assert "would tell" in judged.why


def test_a_deficit_fails_even_where_no_excess_was_possible() -> None:
    found = share_difference([False] * 475, [True] * 235).measured("rare_values", "share")
    assert found.detectable is None
    assert judge(found, TOLERANCES).verdict == "fail"


@pytest.mark.parametrize(
    ("name", "n_found", "verdict"),
    [
        ("verbatim_50", 0, "pass"),
        ("verbatim_50", 5, "pass"),
        ("verbatim_50", 6, "no-verdict"),
        ("verbatim_20", 12, "pass"),
        ("verbatim_20", 20, "no-verdict"),
        ("verbatim_8", 120, "pass"),
    ],
)
def test_long_passages_of_held_out_groups_say_that_there_is_no_control(name, n_found, verdict) -> None:
    judged = judge(measured(-0.03, 0.03, name, held_out=n_found / 235), TOLERANCES)
    assert judged.verdict == verdict
    assert ("held-out text was read" in judged.why) == (verdict == "no-verdict")
    assert judge(measured(-0.3, -0.2, name, held_out=n_found / 235), TOLERANCES).verdict != "pass"


def test_a_pass_without_room_for_a_fail_says_so() -> None:
    for n_without in (0, 7):
        sides = [True] * 475, [True] * (235 - n_without) + [False] * n_without
        judged = judge(share_difference(*sides).measured("verbatim_8", "share"), TOLERANCES)
        assert judged.verdict == "pass"
        assert "no room for a larger excess" in judged.why


@pytest.mark.parametrize(("have", "of"), [(60, 300), (66, 300), (141, 300)])
def test_as_many_groups_as_are_said_to_be_needed_give_a_verdict(have, of) -> None:
    def judged(n_train: int, n_held_out: int) -> Judged:
        shares = (have / of, n_train), (0.2, n_held_out)
        sides = [[True] * round(share * n) + [False] * (n - round(share * n)) for share, n in shares]
        return judge(share_difference(*sides).measured("rare_values", "share"), TOLERANCES)

    before = judged(30, 15)
    assert before.verdict == "no-verdict"
    train, held_out = map(int, re.findall(r"([\d,]+) (?:training|held-out) groups", before.why.replace(",", "")))
    assert judged(round(train * 1.3), round(held_out * 1.3)).verdict in ("pass", "fail")
    assert judged(train // 2, held_out // 2).verdict == "no-verdict"


def test_at_the_limit_no_number_of_groups_is_promised() -> None:
    assert "no reachable number" in judge(measured(0.0, 0.2), TOLERANCES).why


@pytest.mark.parametrize(
    ("bound", "detectable", "verdict"), [(9.0, 1.0, "fail"), (7.0, 1.0, "pass"), (7.0, None, "no-verdict")]
)
def test_a_bound_of_epsilon_is_compared_with_the_claim(bound, detectable, verdict) -> None:
    found = Measured("canaries", "epsilon", bound, 8.0, bound - 8, (bound - 8, 100.0), (50, 50), detectable)
    judged = judge(found, TOLERANCES)
    assert (judged.verdict, judged.tolerance) == (verdict, (-8.0, 0.0))
    told = judge(replace(found, reason="at least 60 guesses can"), TOLERANCES).why
    assert (told == "at least 60 guesses can") == (verdict == "no-verdict")


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(-0.02, 0.03, "pass"), (0.001, 0.1, "no-verdict"), (-0.1, -0.001, "no-verdict")]
)
def test_validity_needs_an_interval_that_contains_chance(low, high, verdict) -> None:
    assert validity(low, high).verdict == verdict


def test_the_verdict_of_all() -> None:
    valid = validity(-0.01, 0.01)
    passed, failed, unclear = (judge(measured(low, low + 0.1), TOLERANCES) for low in (-0.05, 0.3, 0.05))
    assert conclude([valid, passed])[0] == "pass"
    assert conclude([valid, passed, unclear])[0] == "no-verdict"
    assert conclude([valid, passed, unclear, failed])[0] == "fail"
    assert conclude([valid])[0] == "no-verdict"
    verdict, why = conclude([validity(0.1, 0.2), passed, failed])
    assert verdict == "no-verdict"
    assert "refuses" in why
    missing = judge(Measured.missing("validity", "auc", "one group"), TOLERANCES)
    assert conclude([missing, passed]) == ("no-verdict", "the audit refuses to conclude: one group")
    assert conclude([passed, failed]) == (
        "no-verdict",
        "the audit refuses to conclude: whether the two sides can be compared was not measured",
    )


def test_measures_are_named_with_what_they_measured() -> None:
    taggers = [judge(measured(0.3, 0.4, "tagger_membership", of=of), TOLERANCES) for of in ("gold", "synthetic")]
    assert conclude([validity(-0.1, 0.1), *taggers])[1].endswith(
        "tagger_membership of gold, tagger_membership of synthetic"
    )


def test_every_measure_has_a_default_with_a_source() -> None:
    assert sorted(Tolerances.model_fields) == sorted(NAMES)
    for name in NAMES:
        source = getattr(TOLERANCES, name).source
        assert source.startswith(("judgement", "definition"))


def test_a_file_changes_only_the_measures_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text("linkage: {lower: null, upper: 0.02, source: ethics board}\n", encoding="utf-8")
    tolerances = Tolerances.read(path)
    assert tolerances.linkage.model_dump() == {"lower": None, "upper": 0.02, "by_chance": 1.0, "source": "ethics board"}
    assert tolerances.model_copy(update={"linkage": TOLERANCES.linkage}) == TOLERANCES
    assert judge(measured(-0.9, 0.01, "linkage"), tolerances).verdict == "pass"
    path.write_text("", encoding="utf-8")
    assert Tolerances.read(path) == TOLERANCES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rare_value: {lower: 0, upper: 0, source: x}", ("rare_value", "did you mean rare_values")),
        ("validity: {lower: 0, upper: 0, source: x}", ("validity: unknown key",)),
        ("linkage: {lower: 0.1, upper: 0, source: x}", ("linkage.lower", "less than or equal to 0")),
        ("linkage: {lower: -0.1, upper: 5, source: x}", ("linkage.upper", "less than or equal to 1", "got 5")),
        ("linkage: {lower: -0.1, upper: 0.1}", ("linkage.source", "required")),
        ("linkage: {lower: -0.1, upper: .nan, source: x}", ("linkage.upper",)),
        ("linkage: 0.1", ("linkage",)),
        ("linkage: {lower: 0, upper: 0, source: x}\nlinkage: {lower: 0, upper: 0, source: x}", ("line 2", "twice")),
        ("- linkage", ("mapping",)),
        ("linkage: [", ("line",)),
    ],
)
def test_a_fault_of_a_file_is_named_with_the_file(tmp_path: Path, text: str, said: tuple[str, ...]) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        Tolerances.read(path)
    assert all(word in str(raised.value) for word in (str(path), *said))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Tolerances.read(tmp_path / "gate.yaml")


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(gate).failed == 0
