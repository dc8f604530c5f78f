"""What the folder of an adapter for a packaged base says of itself, verified; torch-free.

``adapter.json`` beside the files of peft names the base by the digest of its file, so that an adapter is never merged
into weights that it was not trained on, and holds the digests of the adapter's own files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deidsynth.digests import file_digest
from deidsynth.errors import ModelNotFoundError, ModelNotUsableError
from deidsynth.files import write_json
from deidsynth.models.bases.catalog import PackagedBase
from deidsynth.models.inspection import ADAPTER, ADAPTER_WEIGHTS, damaged, read_object

DESCRIPTION = "adapter.json"
_FILES = (ADAPTER, ADAPTER_WEIGHTS)
_WORDS = ("name", "base", "base_file_digest", "license", "about")


@dataclass(frozen=True, slots=True)
class BaseAdapter:
    """An adapter that was trained on a packaged base.

    Args:
        name: of the adapter.
        about: what it was trained on, in one line.
        license: SPDX identifier in lower case.
        languages: that it was trained on, as model cards have them.
        digest: of its weights.
        folder: that holds it.
    """

    name: str
    about: str
    license: str
    languages: tuple[str, ...]
    digest: str
    folder: Path


def describe_adapter(
    folder: Path, base: PackagedBase, *, name: str, about: str, license_id: str, languages: tuple[str, ...]
) -> None:
    """Write ``adapter.json`` into a folder that holds an adapter as peft saves it."""
    content = {
        "name": name,
        "about": about,
        "base": base.name,
        "base_file_digest": base.file_digest,
        "license": license_id,
        "languages": list(languages),
        "files": {each: file_digest(folder / each) for each in _FILES},
    }
    write_json(folder / DESCRIPTION, content)


def read_adapter(folder: Path, base: PackagedBase) -> BaseAdapter:
    """The adapter in a folder, whose files are those that it was written with.

    Args:
        folder: of the adapter.
        base: that it is to be merged into.

    Raises:
        ModelNotFoundError: there is no such folder, or a file is missing.
        ModelNotUsableError: it is no adapter for this base, or a file is damaged or was changed.
    """
    if not folder.is_dir():
        raise ModelNotFoundError(f"{folder}: no such folder; give the folder of an adapter, which holds {DESCRIPTION}")
    path = folder / DESCRIPTION
    content = read_object(path)
    if content is None:
        raise ModelNotFoundError(
            f"{path}: is missing, so that it is not known which model the adapter is for; give a folder that "
            "recipes/bases/language_adapter.py wrote"
        )
    _check(path, content)
    if content["base"] != base.name:
        raise ModelNotUsableError(f"{path}: the adapter is for {content['base']}, not {base.name}; give one for it")
    if content["base_file_digest"] != base.file_digest:
        raise ModelNotUsableError(
            f"{path}: the adapter was trained on another version of {base.name} than {base.package} {base.version}; "
            "give one for this version"
        )
    for name in _FILES:
        if not (folder / name).is_file():
            raise ModelNotFoundError(f"{folder / name}: is missing; copy the folder of the adapter again")
        if file_digest(folder / name) != content["files"][name]:
            raise ModelNotUsableError(
                f"{folder / name}: is not the file that {DESCRIPTION} names: it is damaged or changed; copy the folder "
                "of the adapter again"
            )
    return BaseAdapter(
        name=content["name"],
        about=content["about"],
        license=content["license"],
        languages=tuple(content["languages"]),
        digest=content["files"][ADAPTER_WEIGHTS],
        folder=folder,
    )


def _check(path: Path, content: dict[str, Any]) -> None:
    """Refuse a description that lacks something, or has something that cannot stand in a card."""
    for key in _WORDS:
        if not isinstance(content.get(key), str) or "\n" in content[key]:
            raise damaged(path, f"{key} is no line of text")
    languages, files = content.get("languages"), content.get("files")
    if not isinstance(languages, list) or not all(isinstance(each, str) and each.isalpha() for each in languages):
        raise damaged(path, "languages is no list of languages")
    if not isinstance(files, dict) or not all(isinstance(files.get(name), str) for name in _FILES):
        raise damaged(path, f"files does not name {' and '.join(_FILES)}")
