"""Axes, zipped axes and explicit cells; arms; fractions and folds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from deidsynth.config import FoldConfig, ResolvedRun, RunConfig, SplitConfig, StudyConfig, merge, parse, resolve_run
from deidsynth.corpora import LoadedCorpus, make_fold, make_splits, take_fraction
from deidsynth.documents import Corpus, Document
from deidsynth.errors import ConfigError, CorpusError
from deidsynth.study import load_study
from deidsynth.study.arms import documents_of, run_config, shares_of
from deidsynth.study.cells import cell_names, expand, varied

BASE = parse(RunConfig, {"synthesize": {"volume_ratio": 1}})
FACTS: Any = {"language": "sv", "precision": "fp32"}


def cells_of(**data: object):
    study = parse(StudyConfig, data)
    return study, expand(study, BASE)


def test_a_study_without_axes_is_its_base() -> None:
    study, cells = cells_of()
    assert len(cells) == 1
    assert cell_names(cells, study) == ["base"]
    assert (cells[0].adaptation_fraction, cells[0].seed, cells[0].fold) == (1.0, 1, None)


def test_axes_make_a_grid_and_zipped_axes_go_together() -> None:
    _, grid = cells_of(axes={"adaptation_fraction": [0.1, 1], "annotator_fraction": [0.1, 1], "seed": [1, 2]})
    assert len(grid) == 8
    study, zipped = cells_of(
        axes={"adaptation_fraction": [0.1, 1], "annotator_fraction": [0.2, 1], "seed": [1, 2]},
        zip=[["adaptation_fraction", "annotator_fraction"]],
    )
    assert [(cell.adaptation_fraction, cell.annotator_fraction, cell.seed) for cell in zipped] == [
        (0.1, 0.2, 1), (0.1, 0.2, 2), (1, 1, 1), (1, 1, 2),
    ]  # fmt: skip
    assert varied(zipped) == ["adaptation_fraction", "annotator_fraction", "seed"]
    assert cell_names(zipped, study)[0] == "adaptation-0.1_annotator-0.2_seed-1"


def test_explicit_cells_take_what_they_do_not_name_from_the_axes() -> None:
    _, cells = cells_of(axes={"seed": [1, 2]}, cells=[{"annotator_fraction": 0.05, "seed": [1, 2, 3]}, {}])
    assert [(cell.annotator_fraction, cell.seed) for cell in cells] == [
        (0.05, 1), (0.05, 2), (0.05, 3), (1.0, 1), (1.0, 2),
    ]  # fmt: skip


def test_cells_that_stand_there_twice_are_one() -> None:
    assert len(cells_of(cells=[{"seed": [1, 2]}, {"seed": [2, 3]}])[1]) == 3


def test_folds_are_all_taken_unless_some_are_named() -> None:
    assert [cell.fold for cell in cells_of(folds=3)[1]] == [1, 2, 3]
    assert [cell.fold for cell in cells_of(folds=3, axes={"fold": [2]})[1]] == [2]


def test_names_stay_when_values_are_added_and_fit_a_file() -> None:
    study, few = cells_of(axes={"base_model": ["a/b c", "starter"]})
    assert cell_names(few, study) == ["base-a-b-c", "base-starter"]
    study, more = cells_of(axes={"base_model": ["a/b c", "a/b-c", "starter", "x" * 200]})
    names = cell_names(more, study)
    assert names[2] == "base-starter"
    assert len(set(names)) == 4
    assert all(len(name) < 140 and "/" not in name for name in names)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"axes": {"arm": "gold"}}, "axes.arm.0: input should be 'machine', 'inline' or 'agreement', got 'gold'"),
        ({"axes": {"annotator_fraction": 0}}, "greater than 0"),
        ({"axes": {"adaptation_fraction": 1.5}}, "less than or equal to 1"),
        ({"axes": {"seed": []}}, "seed: no values"),
        ({"axes": {"seed": [1, 1]}}, "seed: duplicate value"),
        ({"axes": {"seeds": 1}}, "did you mean seed?"),
        ({"axes": {"fold": 1}}, "set folds to the number of folds"),
        ({"axes": {"fold": 4}, "folds": 3}, "fold 4 was requested"),
        ({"zip": [["seed", "fold"]], "axes": {"seed": [1, 2]}}, "equally many values"),
        ({"zip": [["seed", "volume"]]}, "zip.0.1"),
        ({"budget": "hours"}, "budget"),
    ],
)
def test_faults_are_told(data, message) -> None:
    with pytest.raises(ConfigError) as error:
        parse(StudyConfig, data)
    assert message in str(error.value)


def test_study_files_name_their_faults(write_study, home) -> None:
    path = write_study(axes={"synthetic_volume": [1, 2]})
    with pytest.raises(ConfigError, match="samples_per_prompt: it fixes"):
        load_study(path, ["synthesize.samples_per_prompt=3"])
    with pytest.raises(ConfigError, match=r"corpus\.unlabeled"):
        load_study(path, ["corpus.unlabeled=x"])
    with pytest.raises(ConfigError, match=r"study\.yaml: base: 1 problem"):
        load_study(path, ["adapt.epoch=3"])
    (home / "other.yaml").write_text("base: nowhere.yaml\n")
    with pytest.raises(Exception, match=r"nowhere\.yaml: no such file"):
        load_study(home / "other.yaml")
    assert load_study(path, ["axes.seed=[4,5]", "budget=steps"]).config.axes.seed == [4, 5]


def test_a_run_configuration_is_no_study(home) -> None:
    (home / "base.yaml").write_text("corpus: {language: es}\nadapt: {epochs: 2}\n")
    with pytest.raises(ConfigError, match="1 problem\n.*a run configuration, not a study"):
        load_study(home / "base.yaml")


def corpus_of(n_groups: int, size: int = 2) -> Corpus:
    return Corpus(
        tuple(Document(f"{group}-{n}", "x", group=f"g{group}") for group in range(n_groups) for n in range(size))
    )


@given(st.integers(6, 40), st.integers(2, 6), st.integers(0, 50), st.randoms())
def test_folds_part_the_corpus_by_group_whatever_its_order(n_groups, folds, seed, random) -> None:
    corpus, split = corpus_of(n_groups), SplitConfig(seed=seed)
    tested: list[str] = []
    for number in range(1, folds + 1):
        parts = make_fold(corpus, {}, split, FoldConfig(number=number, folds=folds))
        groups = {part: {document.unit for document in documents} for part, documents in parts.items()}
        assert all(groups.values())
        assert sum(map(len, groups.values())) == n_groups == len(set().union(*groups.values()))
        tested += [document.doc_id for document in parts["test"]]
        shuffled = list(corpus)
        random.shuffle(shuffled)
        again = make_fold(corpus.with_documents(shuffled), {}, split, FoldConfig(number=number, folds=folds))
        assert {document.unit for document in again["test"]} == groups["test"]
        shares = [
            {document.unit for document in take_fraction(parts["train"], each, seed)} for each in (0.05, 0.25, 0.5)
        ]
        assert shares[0] <= shares[1] <= shares[2] <= groups["train"]
    assert sorted(tested) == sorted(document.doc_id for document in corpus)


def test_folds_of_train_leave_the_test_part_alone() -> None:
    corpus = corpus_of(10)
    parts = {document.doc_id: "test" if document.unit == "g0" else "train" for document in corpus}
    fold = FoldConfig(number=1, folds=3, of="train")
    found = make_fold(corpus, parts, SplitConfig(), fold)
    assert "g0" not in {document.unit for part in found.values() for document in part}
    with pytest.raises(CorpusError, match="use fewer folds"):
        make_fold(corpus_of(3), {}, SplitConfig(), FoldConfig(number=1, folds=4))


def arm(budget: str = "epochs", **axes: object) -> ResolvedRun:
    study = parse(StudyConfig, {"axes": axes, "budget": budget})
    cell = expand(study, BASE)[0]
    loaded = LoadedCorpus(corpus_of(100, 1))
    documents = documents_of(loaded, BASE, shares_of(cell, study))
    return run_config(cell, BASE, study, {use: len(corpus) for use, corpus in documents.items()}, **FACTS)


def test_every_arm_gets_as_many_synthetic_documents() -> None:
    parts = make_splits(corpus_of(100, 1), {}, SplitConfig())
    for share in (0.05, 0.33, 1.0):
        n = len(take_fraction(parts["train"], share, 1))
        for volume in (0.05, 1.0, 4.0):
            config = arm(adaptation_fraction=share, synthetic_volume=volume)
            assert round(config.synthesize.volume_ratio * n) == round(volume * len(parts["train"]))
    assert arm(synthetic_volume=0.05).synthesize.volume_ratio == 0.05


def test_equal_epochs_change_nothing_and_equal_steps_scale_each_training_by_itself() -> None:
    plain = arm(adaptation_fraction=0.25, annotator_fraction=0.5)
    none: dict[str, Any] = {"min_steps": 0}
    base = merge(BASE.model_dump(mode="json"), {"train": none})
    whole = resolve_run(parse(RunConfig, base), **FACTS)
    assert (plain.adapt, plain.train) == (whole.adapt, whole.train)
    steps = arm("steps", adaptation_fraction=0.25, annotator_fraction=0.5, synthetic_volume=2.0)
    assert steps.adapt.epochs == 4 * whole.adapt.epochs
    assert steps.train.epochs == 2 * whole.train.epochs
    assert steps.train.task_adaptive_pretraining.epochs == 8.0
    assert steps.train_synthetic.epochs == whole.train_synthetic.epochs / 2


@pytest.mark.parametrize("budget", ["epochs", "steps"])
def test_arms_have_no_minimum_of_steps_unless_it_is_asked_for(budget: str) -> None:
    def least(data: dict[str, Any]) -> list[int]:
        base = parse(RunConfig, data)
        study = parse(StudyConfig, {"axes": {"adaptation_fraction": 0.05}, "budget": budget})
        counts = {"train": 100, "prompts": 1, "adaptation": 5, "annotator": 100, "test": 3}
        run = run_config(expand(study, base)[0], base, study, counts, **FACTS)
        taggers = (run.train, run.train_synthetic)
        pretraining = [each.task_adaptive_pretraining.min_steps for each in taggers]
        return [run.adapt.min_steps, *(each.min_steps for each in taggers), *pretraining]

    assert least({}) == least({"train": {"encoder": "some/encoder"}}) == [0] * 5
    train = {"min_steps": 2, "task_adaptive_pretraining": {"min_steps": 3}}
    asked = {"adapt": {"min_steps": 1}, "train": train, "train_synthetic": {"min_steps": 4}}
    assert least(asked) == [1, 2, 4, 3, 3]


def test_an_encoder_axis_holds_for_both_models() -> None:
    base = parse(RunConfig, {"train_synthetic": {"encoder": "scratch", "epochs": 3}})
    study = parse(StudyConfig, {"axes": {"encoder": ["one", "two"]}})
    cell = expand(study, base)[1]
    counts = {"train": 9, "prompts": 1, "adaptation": 9, "annotator": 9, "test": 3}
    config = run_config(cell, base, study, counts, **FACTS)
    assert (config.train.encoder, config.train_synthetic.encoder) == ("two", "two")
    assert config.train_synthetic.epochs == 3
