"""Every preset parses, and plans on a small corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from deidsynth.config.study import AXES
from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.study import load_studies, load_study, plan_study
from deidsynth.study.planning import distinct
from deidsynth.study.reported import reported_row, reported_table
from fake_specs import specs_of

STUDIES = Path(__file__).resolve().parents[2] / "studies"
PRESETS = sorted(path.relative_to(STUDIES).as_posix() for path in STUDIES.glob("*/*/*.yaml") if path.stem != "base")
EXPECTED = [
    f"{kind}/{language}/table{n}.yaml" for kind in ("paper", "small") for language in ("es", "sv") for n in range(1, 6)
]
ANY_FORMAT = "corpus.format=auto"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notes")
    for part, count in (("train", 120), ("test", 30)):
        documents = tuple(
            Document(f"{part}{number}-1", f"Bo kom {number}", (Entity(0, 2, "NAME"),)) for number in range(count)
        )
        write_jsonl(Corpus(documents, origin="invented"), folder / f"{part}.jsonl")
    return folder


def test_all_presets_are_there() -> None:
    assert {*EXPECTED, "small/es/arms.yaml", "small/es/cliff.yaml", "small/es/steps.yaml"} <= set(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_plans(preset, corpus, fakes) -> None:
    study = load_study(STUDIES / preset, [f"corpus.path={corpus}", ANY_FORMAT])
    plan = plan_study(study, stages=specs_of(fakes), device="cpu")
    n_folds = 5 if preset.startswith("paper") else 1
    assert len(plan.cells) >= 2 * n_folds
    assert len(plan.cells) % n_folds == 0
    assert len(distinct(plan.cells)) < sum(len(cell.plan) for cell in plan.cells)
    assert study.base.synthesize.prompts.pii == ("keep" if preset.startswith("paper") else "surrogate")
    assert study.name == preset.removesuffix(".yaml").replace("/", "-")
    if "/sv/" in preset:
        assert "nothing here says how the method does on Swedish records" in (study.config.about or "").replace(
            "\n", " "
        )


def test_models_of_packages_have_three_seeds_at_the_smallest_share(corpus, fakes) -> None:
    wanted = {(0.05, 1), (0.05, 2), (0.05, 3), (0.25, 1), (0.5, 1), (1, 1)}
    bases = {}
    for name in ("encoder", "lora", "full", "adapter"):
        study = load_study(STUDIES / "bases" / "es" / f"{name}.yaml", [f"corpus.path={corpus}", ANY_FORMAT])
        cells = [each.cell for each in plan_study(study, stages=specs_of(fakes), device="cpu").cells]
        for cell in cells:
            assert cell.adaptation_fraction == cell.annotator_fraction
            bases.setdefault((name, cell.base_model, cell.encoder), set()).add((cell.adaptation_fraction, cell.seed))
        assert study.base.adapt.method == {"encoder": "auto", "adapter": "lora"}.get(name, name)
    two = {(0.05, 1), (1, 1)}
    assert bases == {
        ("encoder", "starter-xs", "starter"): wanted,
        ("encoder", "starter-xs", "bases/e5"): wanted,
        ("lora", "bases/smollm2", "starter"): wanted,
        ("full", "bases/smollm2", "starter"): wanted,
        ("adapter", "bases/smollm2", "starter"): two,
        ("adapter", "bases/smollm2-es-sv", "starter"): two,
    }


def test_a_starter_has_the_same_cells_beside_a_model_of_a_package(corpus, fakes) -> None:
    def configs(path: str) -> list[object]:
        study = load_study(STUDIES / path, [f"corpus.path={corpus}", ANY_FORMAT])
        return [each.config for each in plan_study(study, stages=specs_of(fakes), device="cpu").cells]

    beside = configs("bases/es/encoder.yaml")
    assert all(config in beside for config in configs("small/es/table1.yaml"))


@pytest.mark.parametrize("preset", [preset for preset in PRESETS if preset.startswith("paper")])
def test_the_papers_settings_are_the_papers(preset, corpus, fakes) -> None:
    plan = plan_study(
        load_study(STUDIES / preset, [f"corpus.path={corpus}", ANY_FORMAT]), stages=specs_of(fakes), device="cpu"
    )
    given = plan.study.config.axes.given()
    assert (plan.study.config.folds, plan.study.config.budget) == (5, "epochs")
    for cell in plan.cells:
        config, volume = cell.config, cell.cell.synthetic_volume
        assert (config.adapt.method, config.adapt.lora.r, config.adapt.lora.alpha) == ("qlora", 8, 32)
        sampling = config.synthesize
        assert (sampling.annotations, sampling.prompts.words, sampling.filters.mode) == ("machine", 3, "count")
        assert (sampling.top_p, sampling.temperature, sampling.top_k, sampling.min_p) == (0.95, 1.0, 0, 0.0)
        assert volume == 4 or volume in given["synthetic_volume"]
        for train in (config.train, config.train_synthetic):
            assert (train.epochs, train.batch_size, train.chunk_words) == (6, 16, 128)
            assert (train.mention_replacement, train.transitions, train.keep, train.target_recall) == (
                0,
                0,
                "last",
                None,
            )
            assert train.task_adaptive_pretraining.epochs == 0
        assert config.train.encoder == config.train_synthetic.encoder


@pytest.mark.parametrize("preset", EXPECTED)
def test_published_figures_have_their_cells(preset) -> None:
    study = load_study(STUDIES / preset)
    assert study.config.reported is not None
    table = reported_table(study.config.reported.model_dump())
    assert table is not None
    given = study.config.axes.given()
    for row in table["rows"]:
        for axis in set(row) & set(AXES) & set(given):
            wanted = row[axis] if isinstance(row[axis], list) else [row[axis]]
            assert set(given[axis]) & set(wanted)
    assert table["rows"] == [] or reported_row(table, {**table["rows"][0], "base_model": "starter"})


def test_a_folder_of_studies_is_one_plan(corpus, fakes) -> None:
    settings = [f"corpus.path={corpus}"]
    studies = load_studies(STUDIES / "small" / "es", settings)
    assert [study.name for study in studies] == [
        *(f"small-es-{name}" for name in ("arms", "cliff", "steps")),
        *(f"small-es-table{n}" for n in range(1, 6)),
    ]
    cells = [cell for study in studies for cell in plan_study(study, stages=specs_of(fakes), device="cpu").cells]
    alone = sum(len(distinct(plan_study(study, stages=specs_of(fakes), device="cpu").cells)) for study in studies)
    assert len(distinct(cells)) < alone
