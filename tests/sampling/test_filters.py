from __future__ import annotations

import pytest

from deidsynth.config import FilterConfig
from deidsynth.documents import Document, Entity
from deidsynth.sampling.engine import Request, Sample
from deidsynth.sampling.filters import Filters, Verdict, counts, replacements

TAIL = "Patienten kom till oss och mår nu bra igen efter en lång vistelse på en avdelning i en annan stad."
NAMED = Document("1", f"Zyxana Qvelde, 1977-07-07. {TAIL}", (Entity(0, 13, "NAME"), Entity(15, 25, "DATE")), "g")
SWEDISH = "Hon mår bra och kom till oss efter en vistelse i en annan stad, nu igen på en lång avdelning: {}."


def _filters(**settings: object) -> Filters:
    return Filters(FilterConfig(**settings), [NAMED])  # type: ignore[arg-type]


def _sample(index: int = 0, text: str = "x", prompt_number: int = 0, ended: bool = True) -> Sample:
    return Sample(index, text, prompt_number, 0, 3, ended, 1)


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        (SWEDISH.format("ja"), ()),
        ("", ("empty",)),
        (" . \n!", ("empty",)),
        ("Mår bra. " + "och så vidare " * 40, ("loop",)),
        ("Пациент чувствует себя хорошо.", ("foreign_script",)),
        (" ".join(f"word{number}" for number in "abcdefghijklmnopqrstuvwxyz"), ("other_language",)),
        (TAIL, ("long_run",)),
        ("Pat: ZYXANA Qvelde 1977-07-07, mår bra.", ("identifying_run",)),
        ("Zyxana Qvelde mår bra. Född 1977-07-07.", ()),
    ],
)
def test_each_rule(text: str, findings: tuple[str, ...]) -> None:
    for mode, kept in (("reject", not findings), ("count", bool(text.strip())), ("off", bool(text.strip()))):
        verdict = _filters(mode=mode).judge(text)
        assert verdict.kept is kept
        if mode != "off" or findings == ("empty",):
            assert verdict.findings == findings
        else:
            assert verdict == Verdict((), kept=True)


def test_a_document_that_is_its_prompt_alone_is_empty() -> None:
    assert _filters().judge("Mår bra. ", prompt_characters=8) == Verdict(("empty",), kept=False)
    assert _filters(mode="count").judge("Mår bra. ", prompt_characters=8) == Verdict(("empty",), kept=True)


def test_near_duplicates_are_those_of_documents_that_were_kept() -> None:
    filters, loop = _filters(), "Mår bra. " + "och så vidare " * 40
    texts = (SWEDISH.format("ja"), SWEDISH.format("nej"), loop, loop)
    assert [filters.judge(text).findings for text in texts] == [(), ("near_duplicate",), ("loop",), ("loop",)]
    filters = _filters(mode="count")
    assert [filters.judge(text).findings for text in texts][3] == ("loop", "near_duplicate")


def test_rules_can_be_loosened() -> None:
    loop = "Mår bra. " + "och så vidare " * 40
    assert _filters(max_repeated=1.0).judge(loop).kept
    assert _filters(max_run_words=40).judge(TAIL).kept
    assert _filters(min_groups=1).judge(TAIL).kept
    assert _filters(max_foreign_letters=1.0).judge("Пациент").kept


def test_a_document_without_an_end_must_not_be_longer_than_most_training_texts() -> None:
    train = [Document(str(length), "a b " * length, (), str(length)) for length in range(1, 11)]
    longer, as_long = ("x y " * length for length in (10, 9))
    loose = FilterConfig(min_common_words=0.0, max_repeated=1.0)
    filters = Filters(loose, train)
    assert filters.judge(longer, ended=False).findings == ("overlong",)
    assert filters.judge(longer, ended=True).kept
    assert Filters(loose, train).judge(as_long, ended=False).kept
    assert Filters(loose.model_copy(update={"overlong": 1.0}), train).judge(longer, ended=False).kept


@pytest.mark.parametrize("texts", [[], [""]])
def test_without_training_text_only_the_documents_themselves_are_looked_at(texts: list[str]) -> None:
    filters = Filters(FilterConfig(), [Document("1", text) for text in texts])
    assert not filters.compares
    assert filters.judge(TAIL).kept
    assert filters.judge(TAIL).findings == ("near_duplicate",)
    assert filters.judge("Пациент " * 30).findings == ("loop",)


def test_counts_are_of_documents() -> None:
    verdicts = [Verdict(("loop", "long_run"), False), Verdict(("loop",), False), Verdict((), True)]
    found = counts([_sample(ended=False), _sample(), _sample()], verdicts)
    assert (found["n_sampled"], found["n_rejected"], found["n_without_eos"]) == (3, 2, 1)
    assert (found["n_loops"], found["n_with_long_runs"], found["n_empty"]) == (2, 1, 0)


def test_rejected_documents_are_replaced_within_the_budget() -> None:
    no, yes = Verdict(("loop",), False), Verdict((), True)
    asked = [Request(0, "b", 1), Request(1, "a", 0), Request(2, "a", 0), Request(3, "b", 1)]
    round_ = list(zip(asked, (no, yes, no, no), strict=True))
    config = FilterConfig()
    made = replacements(config, round_, asked=4, sampled=4)
    assert made == [Request(4, "b", 1), Request(5, "a", 0)]
    assert replacements(config, round_, asked=4, sampled=6) == []
    assert len(replacements(FilterConfig(max_sampled_ratio=9), round_, asked=4, sampled=4)) == 3
    assert replacements(FilterConfig(max_sampled_ratio=1), round_, asked=4, sampled=4) == []
    assert replacements(FilterConfig(mode="count"), round_, asked=4, sampled=4) == []
    assert len(replacements(config, round_[:1], asked=1, sampled=1)) == 1  # rounded up
