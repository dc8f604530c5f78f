from .api import (
    LanguageModel as LanguageModel,
    Tagger as Tagger,
    adapt as adapt,
    synthesize as synthesize,
    train as train,
)
from .config import RunConfig as RunConfig
from .corpora import (
    from_dataset as from_dataset,
    from_spacy as from_spacy,
    load_corpus as load_corpus,
    read_jsonl as read_jsonl,
    to_dataset as to_dataset,
    to_spacy as to_spacy,
    write_corpus as write_corpus,
    write_jsonl as write_jsonl,
)
from .deidentification.deidentified import Deidentified as Deidentified, Replacement as Replacement
from .deidentification.runtime import Deidentifier as Deidentifier
from .demo import invented_corpus as invented_corpus
from .documents import Corpus as Corpus, Document as Document, Entity as Entity, LabelScheme as LabelScheme
from .errors import (
    CheckFailedError as CheckFailedError,
    ConfigError as ConfigError,
    CorpusError as CorpusError,
    DeidsynthError as DeidsynthError,
    DocumentError as DocumentError,
    EngineError as EngineError,
    InputError as InputError,
    IntegrityError as IntegrityError,
    InvalidEntityError as InvalidEntityError,
    MissingExtraError as MissingExtraError,
    ModelNotFoundError as ModelNotFoundError,
    ModelNotUsableError as ModelNotUsableError,
    OtherVersionError as OtherVersionError,
    OutputInUseError as OutputInUseError,
    OverlappingEntitiesError as OverlappingEntitiesError,
    Problem as Problem,
    StorageError as StorageError,
    TooLargeError as TooLargeError,
    UnrepresentableError as UnrepresentableError,
)
from .metrics import EvaluationResult as EvaluationResult, Scores as Scores, evaluate as evaluate, score as score
from .progress import Progress as Progress, SilentProgress as SilentProgress
from .workflow.pipeline import RunResult as RunResult, run as run

__version__: str
