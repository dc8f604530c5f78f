"""Tables, curves and page from cell files alone."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from deidsynth.errors import InputError
from deidsynth.study import load_study, plan_study, run_study
from deidsynth.study.advisor import advise
from deidsynth.study.comparison import compare_studies
from deidsynth.study.noise import estimate_noise
from deidsynth.study.page import report_content, report_study
from deidsynth.study.records import read_records
from deidsynth.study.reported import reported_row, reported_table
from deidsynth.study.tables import as_csv, as_markdown
from deidsynth.workflow.store import Store
from fake_specs import specs_of

ZIP = [["adaptation_fraction", "annotator_fraction"]]
SHARES = [0.05, 0.25, 0.5, 1.0]
AXES = {"adaptation_fraction": SHARES, "annotator_fraction": SHARES, "seed": [1, 2, 3]}


@pytest.fixture
def finished(write_study, fakes, tmp_path) -> Path:
    """A folder with the cell files of a study, and nothing else."""
    study = load_study(write_study(name="cliff", axes=AXES, zip=ZIP, reported={"table": 1, "language": "es"}))
    made = tmp_path / "made"
    run_study(plan_study(study, stages=specs_of(fakes), device="cpu"), made, Store(tmp_path / "store"))
    folder = tmp_path / "kept"
    shutil.copytree(made / "cells", folder / "cells")
    return folder


def test_everything_is_made_from_cell_files_alone(finished) -> None:
    content = report_study(finished)
    made = {path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file()}
    assert {"study.html", "study.json", "tables.md", "tables.tex", "tables.csv"} <= made
    assert {f"curves/cliff-{measure}.{kind}" for measure in ("token", "strict") for kind in ("svg", "png")} <= made
    assert json.loads((finished / "study.json").read_text()) == json.loads(json.dumps(content))
    page = (finished / "study.html").read_text()
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "<script" not in page
    assert "<?xml" not in page
    assert (finished / "curves/cliff-token.png").read_bytes().startswith(b"\x89PNG")


def test_arms_have_mean_spread_and_paired_intervals(finished) -> None:
    comparison = compare_studies(read_records(finished))[0]
    assert comparison.varied == ("adaptation_fraction", "annotator_fraction")
    assert [len(arm.cells) for arm in comparison.arms] == [3, 3, 3, 3]
    first, last = comparison.arms[0], comparison.arms[-1]
    # A fake tagger that was trained on 2 documents knows 2 + seed of 20 names, two tokens of each.
    gold = first.scores["strict"]["gold"]
    assert gold.mean == pytest.approx(sum(2 * known / (20 + known) for known in (3, 4, 5)) / 3)
    assert gold.sd is not None
    assert gold.interval is not None
    assert gold.interval[0] < gold.mean < gold.interval[1]
    gap = first.from_reference["strict"]
    assert gap is not None
    assert last.from_reference["strict"] is None
    assert (first.reported, last.reported) == ({"gold": 0.931, "synthetic": 0.309}, {"gold": 0.978, "synthetic": 0.973})


def test_tables_name_the_budget_and_what_was_reported(finished) -> None:
    report_study(finished)
    text = (finished / "tables.md").read_text()
    assert "equal epochs in all arms" in text
    assert "reported, other models (MEDDOCAN)" in text
    assert "| 5 % (2) | 3 |" in text
    assert "\\toprule" in (finished / "tables.tex").read_text()
    rows = list(csv.DictReader(io.StringIO((finished / "tables.csv").read_text())))
    assert len(rows) == 8
    assert rows[0]["reported_synthetic"] == "0.309"
    assert rows[1]["reported_synthetic"] == ""


def test_published_figures_stand_only_beside_the_same_experiment() -> None:
    table = reported_table({"table": 2, "language": "sv", "note": "another corpus"})
    assert table is not None
    assert table["label"] == "reported, other models (SEPR PHI); another corpus"
    assert reported_row(table, {"adaptation_fraction": 0.95, "annotator_fraction": 1.0}) == {"synthetic": 0.896}
    assert reported_row(table, {"adaptation_fraction": 0.1, "annotator_fraction": 1.0}) is None
    assert reported_table({"table": 1, "language": "fi"}) is None
    assert reported_table(None) is None


@pytest.mark.parametrize("content", ["{", "[]", '{"schema_version": 9}', '{"schema_version": 1}'])
def test_a_damaged_cell_file_is_named_with_the_remedy(finished, content) -> None:
    (finished / "cells" / "a.json").write_text(content)
    with pytest.raises(InputError, match=r"a\.json: .*remove it and run the study again"):
        report_study(finished)


def test_a_folder_without_cells_is_an_error(tmp_path) -> None:
    with pytest.raises(InputError, match="deidsynth study run"):
        report_study(tmp_path)


def test_several_studies_make_one_page(finished) -> None:
    other: Any = finished.parent / "all" / "two"
    shutil.copytree(finished, finished.parent / "all" / "one")
    shutil.copytree(finished, other)
    for path in (other / "cells").iterdir():
        path.write_text(path.read_text().replace('"study": "cliff"', '"study": "second"'))
    content = report_study(finished.parent / "all")
    assert [study["study"] for study in content["studies"]] == ["cliff", "second"]


STRANGE = (
    None,
    True,
    -1,
    10**400,
    1.5,
    float("nan"),
    float("inf"),
    "x",
    "",
    [],
    [[]],
    {},
    {"a": 1},
    [[1, 2]],
    [[1, 2, "3"]],
)


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in plain data, of a list only the first."""
    inner = value.items() if isinstance(value, dict) else list(enumerate(value))[:1] if isinstance(value, list) else ()
    return [above, *(place for key, each in inner for place in places(each, (*above, key)))]


def make_all(folder: Path) -> None:
    """What a report is made of, without drawing."""
    records = read_records(folder)
    comparisons = compare_studies(records)
    advice, noise = advise(records), estimate_noise(records)
    json.dumps(report_content(comparisons, advice, noise), allow_nan=False)
    as_markdown(comparisons, advice, noise)
    as_csv(comparisons)


def test_a_damaged_cell_file_is_refused_by_name_and_never_a_failure(write_study, fakes, tmp_path, monkeypatch) -> None:
    for name in ("comparison.RESAMPLES", "advisor.DRAWS"):
        monkeypatch.setattr(f"deidsynth.study.{name}", 20)
    study = load_study(write_study(name="small", axes={"annotator_fraction": [0.5, 1.0], "seed": [1, 2]}))
    folder = tmp_path / "made"
    run_study(plan_study(study, stages=specs_of(fakes), device="cpu"), folder, Store(tmp_path / "store"))
    make_all(folder)
    damaged = sorted((folder / "cells").iterdir())[0]
    whole, chance, n_refused = json.loads(damaged.read_text()), Random(17), 0
    read = [place for place in places(whole) if place and place[0] != "stages"]
    for place in chance.sample(read, 150):
        data = copy.deepcopy(whole)
        inside: Any = data
        for key in place[:-1]:
            inside = inside[key]
        inside[place[-1]] = chance.choice(STRANGE)
        damaged.write_text(json.dumps(data))
        try:
            make_all(folder)
        except InputError as error:
            assert str(error).startswith(f"{damaged}: ") or "studies" in str(error) or "budget" in str(error)
            n_refused += 1
    assert n_refused > 20
    fewer = copy.deepcopy(whole)
    for models in fewer["statistics"].values():
        for rows in models.values():
            rows.pop()
    damaged.write_text(json.dumps(fewer))
    with pytest.raises(
        InputError, match=rf"has other numbers of test documents than {damaged}.*one of these cell files"
    ):
        read_records(folder)
    for content in (b"[" * 100_000, b"", b"\xff", b"null", b"[]", b'{"schema_version": 1e400}'):
        damaged.write_bytes(content)
        with pytest.raises(InputError, match="cell file.*remove it and run the study again|schema version"):
            read_records(folder)
