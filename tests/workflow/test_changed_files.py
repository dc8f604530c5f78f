"""A file that changes between the plan and its use never gets into an artifact of the earlier key."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from test_pipeline_fake import Fake, config_of, fakes, go, home  # noqa: F401 - home is a fixture

from deidsynth.config import AdaptConfig, SynthesizeConfig, TrainConfig, parse, resolve_adapt, resolve_train
from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.errors import InputError
from deidsynth.stages.specification import StageContext
from deidsynth.workflow.alone import Around, run_alone
from deidsynth.workflow.external import content_of, external_digests, unchanged
from deidsynth.workflow.store import Store
from fake_specs import spec_of

Change = Callable[[], object]


class Prompting(Fake):
    """A synthesize that reads its prompts, and during which somebody does something to them."""

    def __init__(self, before: Change, after: Change) -> None:
        super().__init__("synthesize")
        self._before, self._after, self.read = before, after, ""

    def run(self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext) -> Mapping[str, Any]:
        self._before()
        self.read = Path(config.prompts.file).read_text()
        (context.scratch / "batch").write_text(self.read)
        self._after()
        return super().run(config, inputs, output, context)


def nothing() -> None:
    pass


@pytest.fixture
def prompts(home: Path) -> Path:  # noqa: F811
    place = home / "prompts.txt"
    place.write_text("one\n")
    return place


@pytest.mark.parametrize("when", ["between", "before reading", "after reading", "and failed"])
def test_prompts_that_change_are_refused_and_leave_nothing_behind(
    home: Path,  # noqa: F811
    prompts: Path,
    when: str,
) -> None:
    config = config_of(home, synthesize={"prompts": {"source": "file", "file": str(prompts)}, "volume_ratio": 2})

    def change() -> None:
        prompts.write_text("two\n")

    def change_and_fail() -> None:
        change()
        raise ValueError

    synthesize = {
        "between": Prompting(nothing, nothing),
        "before reading": Prompting(change, nothing),
        "after reading": Prompting(nothing, change),
        "and failed": Prompting(nothing, change_and_fail),
    }[when]
    stages = {**fakes(), "synthesize": spec_of(synthesize)}
    if when == "between":
        adapt = Fake("adapt")
        adapt.run = lambda *arguments: (change(), Fake("adapt").run(*arguments))[1]  # type: ignore[method-assign]
        stages["adapt"] = spec_of(adapt)
    wanted: Any = ValueError if when == "and failed" else InputError
    with pytest.raises(wanted, match=r"prompts\.file: .*prompts\.txt changed" if wanted is InputError else None):
        go(config, stages)
    store = Store(home / "runs" / ".deidsynth")
    assert "synthesize" not in {artifact.manifest.stage for artifact in store.artifacts()}
    assert not list((store.root / "work").glob("synthesize-*/scratch/*"))
    prompts.write_text("one\n")
    again = Prompting(nothing, nothing)
    go(config, {**fakes(), "synthesize": spec_of(again)})
    assert again.read == "one\n"
    prompts.write_text("two\n")
    other = Prompting(nothing, nothing)
    go(config, {**fakes(), "synthesize": spec_of(other)})
    assert other.read == "two\n"


@pytest.mark.parametrize("kind", ["base", "encoder"])
def test_a_local_model_folder_that_changes_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "weights").write_text("1")
    given = {kind: str(folder)}
    config: Any = (
        resolve_adapt(parse(AdaptConfig, given))
        if kind == "base"
        else resolve_train(parse(TrainConfig, given), language="sv")
    )
    planned = external_digests(config)
    assert planned == {kind: content_of(folder)}
    discarded: list[bool] = []
    with unchanged(config, planned, lambda: discarded.append(True)):
        pass
    message = f"{kind}: .*model changed since the command began"
    with (
        pytest.raises(InputError, match=message) as caught,
        unchanged(config, planned, lambda: discarded.append(True)),
    ):
        (folder / "deep" / "more").write_text("")
    assert "run the same command again" in str(caught.value)
    assert discarded == [True]
    with pytest.raises(InputError, match="changed"), unchanged(config, planned, pytest.fail):
        pytest.fail("it was another one before it was used")


def test_a_file_that_appears_after_the_plan_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    config = parse(SynthesizeConfig, {"prompts": {"source": "file", "file": str(file)}})
    planned = external_digests(config)
    assert planned == {}
    with unchanged(config, planned, pytest.fail):
        pass
    file.write_text("late")
    with pytest.raises(InputError, match="changed"), unchanged(config, planned, pytest.fail):
        pass


def test_a_model_that_changes_under_a_stage_alone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import deidsynth.stages

    model, output = tmp_path / "model", tmp_path / "new.jsonl"
    model.mkdir()
    (model / "config.json").write_text("{}")

    class Touching:
        name = "annotate"

        def run(self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext) -> dict[str, Any]:
            (context.scratch / "block").write_text("")
            (model / "config.json").write_text(json.dumps({"other": 1}))
            write_jsonl(Corpus((Document("1", "Bo kom"),)), output / "corpus.jsonl")
            return {}

    monkeypatch.setattr(deidsynth.stages, "STAGES", {"annotate": spec_of(Touching())})
    texts = Corpus((Document("1", "Bo kom"),))
    from deidsynth.config import AnnotateConfig

    with pytest.raises(InputError, match="model: .*model changed since the command began"):
        run_alone("annotate", AnnotateConfig(), {"texts": texts, "model": model}, output, Around(1, device="cpu"))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
