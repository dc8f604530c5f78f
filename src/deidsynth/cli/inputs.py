"""The user's files as corpora."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from deidsynth.cli.options import Discontinuous
from deidsynth.cli.terminal import tell
from deidsynth.documents import Corpus, Document
from deidsynth.errors import InputError

if TYPE_CHECKING:
    from deidsynth.corpora import LoadedCorpus


def load(
    path: Path,
    quiet: bool,
    *,
    language: str | None = None,
    group_by: str | None = None,
    discontinuous: Discontinuous = Discontinuous.REFUSE,
    format: str = "auto",
    require_entities: bool = True,
) -> LoadedCorpus:
    """The corpus at a path; what its reader skipped is told on standard error.

    Raises:
        InputError: nothing there, or no known format.
        CorpusError: faults in what is there, or no entities where they are required.
    """
    from deidsynth.corpora import load_corpus

    loaded = load_corpus(
        path,
        format=format,
        language=language,
        group_by=group_by,
        discontinuous=discontinuous.value,
        require_entities=require_entities,
    )
    if loaded.skipped:
        tell(f"{path}: skipped {format_counter(loaded.skipped)}", quiet)
    return loaded


def format_counter(counts: Mapping[str, int]) -> str:
    """Counts as ``3 notes, 1 relations``."""
    return ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in sorted(counts.items()))


def training_documents(loaded: LoadedCorpus, quiet: bool) -> Corpus:
    """The documents to train on: the part named train where the source names parts, else all."""
    if "train" not in loaded.parts.values():
        return loaded.corpus
    chosen = loaded.corpus.with_documents(
        document for document in loaded.corpus if loaded.parts.get(document.doc_id) == "train"
    )
    tell(f"taking the {len(chosen)} documents of the train part, of {len(loaded.corpus)} in all", quiet)
    return chosen


def note_files(path: Path) -> list[Path]:
    """The ``.txt`` files at a path, sorted: the file itself, or all below a folder.

    Raises:
        InputError: no such path, or no such file in it.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder; give a .txt file, a folder of them, or a .jsonl file")
    files = sorted(file for file in path.rglob("*.txt") if file.is_file())
    if not files:
        raise InputError(f"{path}: holds no .txt file; give a folder of notes as .txt, or a .jsonl file")
    return files


def read_note(path: Path) -> str:
    """The exact text of a note.

    Raises:
        InputError: not UTF-8.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return stream.read()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 at byte {error.start}; convert it, such as with: iconv -f latin1 -t utf-8"
        ) from None


def _notes(path: Path) -> Iterator[Document]:
    root = path if path.is_dir() else path.parent
    for file in note_files(path):
        yield Document(file.relative_to(root).with_suffix("").as_posix(), read_note(file))


def load_texts(path: Path, language: str | None = None) -> Corpus:
    """Texts to annotate: a ``.jsonl`` file, a ``.txt`` file, or a folder of ``.txt`` files; entities are left out.

    Raises:
        InputError: nothing there, or not UTF-8.
    """
    if path.suffix == ".jsonl":
        from deidsynth.corpora import read_jsonl

        corpus = read_jsonl(path)
        return corpus.with_documents(document.with_entities(()) for document in corpus)
    return Corpus(tuple(_notes(path)), language=language)


def prepare_output(path: Path) -> None:
    """Make the folder that a file goes into.

    Raises:
        InputError: the path is a folder, or its parent is a file.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{path.parent}: is a file; choose another place for the output") from None
