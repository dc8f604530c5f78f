import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.errors import InputError
from deidsynth.metrics import words
from deidsynth.privacy import VerbatimIndex, ngram_recall


def test_words_are_runs_of_letters_and_digits_without_case():
    assert words("Dr. ÅSA Öst-3b, kl_9") == ["dr", "åsa", "öst", "3b", "kl", "9"]
    assert words("Jose\u0301") == words("JOSÉ") == ["josé"]


def test_recall_by_hand():
    # Bigrams of the reference: a b (twice), b c, c a; the first and the last stand in the synthetic text.
    found = ngram_recall(["A b, c a b"], ["c a", "a B"], n=2)
    assert found == {
        "n": 2, "recall": 2 / 3, "recall_occurrences": 3 / 4, "n_reference": 3, "n_found": 2,
        "n_reference_occurrences": 4, "n_found_occurrences": 3,
    }  # fmt: skip


def test_no_ngram_crosses_the_end_of_a_text():
    assert ngram_recall(["a b"], ["x a", "b x"], n=2)["recall"] == 0
    assert ngram_recall(["a", "b"], ["a b"], n=2)["recall"] is None


def test_recall_refuses_an_n_below_one():
    with pytest.raises(InputError, match="n must be at least 1, got 0"):
        ngram_recall(["a"], ["a"], n=0)


@given(st.lists(st.text("abc ", max_size=12), max_size=4), st.lists(st.text("abc ", max_size=12), max_size=4))
def test_recall_is_that_of_sets(reference, synthetic):
    def grams(texts):
        return {tuple(words(text)[i : i + 2]) for text in texts for i in range(len(words(text)) - 1)}

    wanted = grams(reference)
    expected = len(wanted & grams(synthetic)) / len(wanted) if wanted else None
    assert ngram_recall(reference, synthetic, n=2)["recall"] == expected


def run_of(first, last):
    return " ".join(f"w{number}" for number in range(first, last))


def test_thirteen_words_of_one_group_fail_and_twelve_pass():
    index = VerbatimIndex([run_of(0, 40)], ["p1"])
    assert index.passes(f"x {run_of(5, 17)} y")
    assert not index.passes(f"x {run_of(5, 18).upper()} y")
    assert index.passes("nothing of it")


def test_a_run_of_three_groups_is_a_template_and_one_of_three_documents_of_two_groups_is_not():
    texts = [run_of(0, 20)] * 3
    assert VerbatimIndex(texts, ["p1", "p2", "p3"]).passes(run_of(0, 20))
    assert not VerbatimIndex(texts, ["p1", "p2", "p2"]).passes(run_of(0, 20))


def test_a_long_run_fails_although_each_of_its_thirteen_words_is_a_template():
    # Everyone shares w0..w19 or w7..w29; only one group holds the whole.
    texts = [run_of(0, 30), *[run_of(0, 20)] * 2, *[run_of(7, 30)] * 2]
    index = VerbatimIndex(texts, list("abcde"))
    assert index.passes(run_of(0, 20))
    assert index.passes(run_of(7, 30))
    assert not index.passes(run_of(0, 30))


def test_an_index_of_nothing_passes_everything():
    assert VerbatimIndex([], []).passes(run_of(0, 50))
    assert VerbatimIndex(["", "."], ["a", "b"]).passes(run_of(0, 50))


def test_the_index_refuses_other_numbers_of_groups_and_shows_no_text():
    with pytest.raises(InputError, match="one group for each of 2 texts, got 1"):
        VerbatimIndex(["secret", "b"], ["p"])
    with pytest.raises(InputError, match="must be at least 1"):
        VerbatimIndex(["a"], ["p"], min_groups=0)
    assert "secret" not in repr(VerbatimIndex(["secret"], ["p"]))


def longest_by_force(texts, groups, min_groups, text):
    asked = words(text)
    longest = 0
    for start in range(len(asked)):
        for end in range(start + 1, len(asked) + 1):
            run = asked[start:end]
            holders = {
                group
                for train, group in zip(texts, groups, strict=True)
                if any(words(train)[i : i + len(run)] == run for i in range(len(words(train)) - len(run) + 1))
            }
            if 0 < len(holders) < min_groups:
                longest = max(longest, len(run))
    return longest


TEXTS = st.text("ab ", max_size=24).map(" ".join)


@settings(max_examples=200)
@given(st.lists(TEXTS, min_size=1, max_size=5), TEXTS, st.integers(1, 4), st.integers(1, 3), st.data())
def test_what_passes_is_that_of_brute_force(texts, text, max_run_words, min_groups, data):
    groups = data.draw(st.lists(st.sampled_from("pqr"), min_size=len(texts), max_size=len(texts)))
    index = VerbatimIndex(texts, groups, max_run_words, min_groups)
    expected = longest_by_force(texts, groups, min_groups, text)
    assert index.passes(text) == (expected <= max_run_words)
