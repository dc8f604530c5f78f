"""Loading the user's files as corpora."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    layout: Sequence[str] | None = None,
    own_layout: tuple[str, Sequence[str]] = ("", ()),
    require_entities: bool = True,
    texts_suffice: bool = False,
    texts: Mapping[str, str] | None = None,
) -> LoadedCorpus:
    """The corpus at a path; what was skipped is reported on standard error.

    Args:
        path: file or folder.
        quiet: whether to suppress messages.
        language: as for ``load_corpus``.
        group_by: regular expression that finds the group in a document's name.
        discontinuous: what to do with discontinuous entities.
        format: name, or ``auto``.
        layout: details that the format leaves open, as ``KEY=VALUE``.
        own_layout: the name of an option and its settings, which override ``layout``.
        require_entities: whether a corpus without any entity is an error.
        texts_suffice: whether to accept a table without a known entity column, although an ignored one may be it.
        texts: the exact text of documents by id, for a brat folder that contains only ``.ann`` files.

    Raises:
        InputError: no such path, or no known format.
        CorpusError: faults in the corpus, or no entities although they are required.
        ConfigError: an unknown layout key.
    """
    from deidsynth.cli.settings import layout_config
    from deidsynth.corpora.formats.column_roles import NO_ENTITY_COLUMN
    from deidsynth.corpora.loading import load_corpus, refuse_unlabeled

    loaded = load_corpus(
        path,
        format=format,
        language=language,
        group_by=group_by,
        discontinuous=discontinuous.value,
        layout=layout_config(layout, own_layout),
        require_entities=require_entities,
        texts=texts,
    )
    if not texts_suffice:
        refuse_unlabeled(loaded.problems)
    if loaded.skipped:
        tell(f"{path}: skipped {format_counter(loaded.skipped)}", quiet)
    for problem in loaded.problems:
        if problem.code == NO_ENTITY_COLUMN:
            tell(str(problem), quiet)
    if loaded.problems:
        count = len(loaded.problems)
        tell(f"{path}: {count} warning{'' if count == 1 else 's'}; see: deidsynth corpus check {path}", quiet)
    return loaded


def format_counter(counts: Mapping[str, int]) -> str:
    """Counts as ``3 notes, 1 relations``."""
    return ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in sorted(counts.items()))


def training_documents(loaded: LoadedCorpus, quiet: bool) -> Corpus:
    """The documents to train on: the train split if the source names one, else all."""
    if "train" not in loaded.splits.values():
        return loaded.corpus
    chosen = loaded.corpus.with_documents(
        document for document in loaded.corpus if loaded.splits.get(document.doc_id) == "train"
    )
    tell(f"using the {len(chosen)} documents of the train split, of {len(loaded.corpus)} in total", quiet)
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
    files = sorted(file for file in path.rglob("*.txt") if file.is_file() and not _is_unfinished(file, path))
    if not files:
        raise InputError(f"{path}: contains no .txt file; give a folder of .txt notes, or a .jsonl file")
    return files


def count_other_files(path: Path) -> int:
    """Number of files below a folder that are not ``.txt`` and so not notes, without hidden ones."""
    others = (file for file in path.rglob("*") if file.is_file() and file.suffix != ".txt")
    return sum(not any(part.startswith(".") for part in file.relative_to(path).parts) for file in others)


def _is_unfinished(file: Path, root: Path) -> bool:
    """Whether a file belongs to the unfinished output of a killed command."""
    return any(part.startswith(".") and part.endswith(".partial") for part in file.relative_to(root).parts[:-1])


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
            f"{path}: not UTF-8 at byte {error.start}; convert it, for example with: iconv -f latin1 -t utf-8"
        ) from None


def _notes(path: Path) -> Iterator[Document]:
    root = path if path.is_dir() else path.parent
    for file in note_files(path):
        yield Document(file.relative_to(root).with_suffix("").as_posix(), read_note(file))


def load_texts(path: Path, quiet: bool, language: str | None = None) -> Corpus:
    """Texts to annotate: an annotated corpus, whose entities are dropped, a ``.txt`` file, or a folder of them.

    Documents of an annotated corpus have the same ids as in every other command; the id of a plain note is its path
    below the folder.

    Raises:
        InputError: no such path, or not UTF-8.
        CorpusError: faults in the annotated corpus.
    """
    name = _annotated_format(path)
    if name is None:
        return load_notes(path, language)
    joined = Discontinuous.JOIN
    loaded = load(
        path, quiet, language=language, discontinuous=joined, format=name, require_entities=False, texts_suffice=True
    )
    return loaded.corpus.with_documents(document.with_entities(()) for document in loaded.corpus)


def load_notes(path: Path, language: str | None = None) -> Corpus:
    """Plain texts without any annotations beside them: a ``.txt`` file, or all files below a folder.

    Raises:
        InputError: no such path, or not UTF-8.
    """
    return Corpus(tuple(_notes(path)), language=language)


def _annotated_format(path: Path) -> str | None:
    """The format of an annotated corpus; None for plain notes, even if there are JSON lines beside them."""
    from deidsynth.corpora import FORMATS

    if not path.exists():
        return None
    found = [name for name, each in FORMATS.items() if each.sniff(path)]
    if found == ["jsonl"] and path.is_dir() and any(path.rglob("*.txt")):
        return None
    return found[0] if found else None


def refuse_standard_output(path: Path) -> None:
    """Refuse ``-`` as an output.

    Raises:
        InputError: it is ``-``.
    """
    if str(path) == "-":
        raise InputError("--output -: texts are not written to standard output; give the name of a file or folder")


def prepare_output(path: Path) -> None:
    """Create the parent folder of an output file.

    Raises:
        InputError: the path is ``-`` or a folder, or its parent is not writable.
    """
    refuse_standard_output(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file")
    refuse_unwritable_output(path)
    path.parent.mkdir(parents=True, exist_ok=True)


def refuse_unwritable_output(path: Path) -> None:
    """Refuse an output whose parent folder is not writable.

    Raises:
        InputError: a parent is a file, or permission is denied.
    """
    from deidsynth.corpora.output import refuse_unwritable

    try:
        refuse_unwritable(path.parent, "--output")
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
