"""The public API of deidsynth. Importing it is quick: torch and transformers wait until something needs them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deidsynth.config import RunConfig
    from deidsynth.corpora import (
        from_dataset,
        load_corpus,
        read_jsonl,
        to_dataset,
        write_corpus,
        write_jsonl,
    )
    from deidsynth.demo import invented_corpus
    from deidsynth.documents import Corpus, Document, Entity, LabelScheme
    from deidsynth.errors import (
        CheckFailedError,
        ConfigError,
        CorpusError,
        DeidsynthError,
        DocumentError,
        EngineError,
        InputError,
        IntegrityError,
        InvalidEntityError,
        MissingExtraError,
        ModelNotFoundError,
        ModelNotUsableError,
        OutputInUseError,
        OverlappingEntitiesError,
        Problem,
        StorageError,
        UnrepresentableError,
    )
    from deidsynth.metrics import Scores, score
    from deidsynth.progress import Progress, SilentProgress
    from deidsynth.workflow.pipeline import RunResult, run

__version__ = "0.1.0"

_HOMES = {
    "deidsynth.config": ("RunConfig",),
    "deidsynth.corpora": (
        "from_dataset",
        "load_corpus",
        "read_jsonl",
        "to_dataset",
        "write_corpus",
        "write_jsonl",
    ),
    "deidsynth.demo": ("invented_corpus",),
    "deidsynth.documents": ("Corpus", "Document", "Entity", "LabelScheme"),
    "deidsynth.errors": (
        "CheckFailedError",
        "ConfigError",
        "CorpusError",
        "DeidsynthError",
        "DocumentError",
        "EngineError",
        "InputError",
        "IntegrityError",
        "InvalidEntityError",
        "MissingExtraError",
        "ModelNotFoundError",
        "ModelNotUsableError",
        "OutputInUseError",
        "OverlappingEntitiesError",
        "Problem",
        "StorageError",
        "UnrepresentableError",
    ),
    "deidsynth.metrics": ("Scores", "score"),
    "deidsynth.workflow.pipeline": ("RunResult", "run"),
    "deidsynth.progress": ("Progress", "SilentProgress"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CheckFailedError",
    "ConfigError",
    "Corpus",
    "CorpusError",
    "DeidsynthError",
    "Document",
    "DocumentError",
    "EngineError",
    "Entity",
    "InputError",
    "IntegrityError",
    "InvalidEntityError",
    "LabelScheme",
    "MissingExtraError",
    "ModelNotFoundError",
    "ModelNotUsableError",
    "OutputInUseError",
    "OverlappingEntitiesError",
    "Problem",
    "Progress",
    "RunConfig",
    "RunResult",
    "Scores",
    "SilentProgress",
    "StorageError",
    "UnrepresentableError",
    "__version__",
    "from_dataset",
    "invented_corpus",
    "load_corpus",
    "read_jsonl",
    "run",
    "score",
    "to_dataset",
    "write_corpus",
    "write_jsonl",
]


def __getattr__(name: str) -> Any:
    """The public object of that name, imported on first use."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
