"""``deidsynth.json``: written whole, read back as it was, refused where it is of another version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deidsynth.config import AdaptConfig
from deidsynth.documents import Document, Entity
from deidsynth.errors import ModelNotUsableError
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.models.settings_file import ModelSettings, TaggerSettings

NOTE = Document("1", "Anna kom från Åmål.", (Entity(0, 4, "NAME"), Entity(14, 18, "CITY")))


def test_a_folder_without_the_file_has_no_settings(tmp_path: Path) -> None:
    assert ModelSettings.load(tmp_path) == ModelSettings()
    assert ModelSettings.load(tmp_path / "kb" / "of-the-hub") == ModelSettings()


@pytest.mark.parametrize(
    "settings",
    [
        ModelSettings(
            added_tokens=AddedTokens.of(
                AdaptConfig(annotations="inline", control_codes=["length", "labels"]), [NOTE, NOTE]
            )
        ),
        ModelSettings(tagger=TaggerSettings(window_tokens=510, whole_words=True)),
        ModelSettings(
            tagger=TaggerSettings(
                window_tokens=1,
                whole_words=False,
                transitions=((0.0, -1.25), (0.5, 3.0)),
                outside_threshold=0.999,
                ensemble_size=3,
            )
        ),
    ],
)
def test_what_is_saved_is_loaded(tmp_path: Path, settings: ModelSettings) -> None:
    settings.save(tmp_path)
    assert ModelSettings.load(tmp_path) == settings
    [path] = tmp_path.iterdir()
    text = path.read_text(encoding="utf-8")
    assert json.loads(text)["schema_version"] == 1
    assert "Anna" not in text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"window_tokens": 510, "whole_words": true}', "no schema version, this deidsynth reads 1"),
        ('{"schema_version": 2, "tagger": {"colour": 1}}', "schema version 2, this deidsynth reads 1"),
        ('{"schema_version": "1"}', 'schema version "1", this deidsynth reads 1'),
    ],
)
def test_another_version_is_refused_with_the_remedy(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "deidsynth.json").write_text(content)
    with pytest.raises(ModelNotUsableError) as caught:
        ModelSettings.load(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'deidsynth.json'}: {told}; train or adapt the model again"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"schema_version": 1, "added_tokens": {"colour": 1}}',
        '{"schema_version": 1, "colour": {}}',
        '{"schema_version": 1, "tagger": {"window_tokens": 0, "whole_words": true}}',
        '{"schema_version": 1, "tagger": {"window_tokens": 510}}',
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "deidsynth.json").write_text(content)
    with pytest.raises(ModelNotUsableError, match=r"deidsynth.json: cannot be read; copy the model again"):
        ModelSettings.load(tmp_path)
