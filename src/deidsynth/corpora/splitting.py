"""Train, validation and test: as the source names them, or carved by group from a seed.

A split depends neither on the order of the documents nor on the version of a random generator. Documents of one group
never part, and keep the order of the corpus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from deidsynth.config import FoldConfig, SplitConfig
from deidsynth.corpora.records import PARTS, Part
from deidsynth.documents import Corpus, Document
from deidsynth.errors import CorpusError, InputError
from deidsynth.groups import held_out, shuffled


def split_parts(corpus: Corpus, parts: Mapping[str, Part], split: SplitConfig) -> dict[Part, Corpus]:
    """The corpora ``train``, ``validation`` and ``test``; none is empty.

    All three named: as they are. Train and test: validation is carved from train. Train and validation: the named
    validation part is the test set, which is scored once, and validation is carved from train. Train alone or no
    names: test is carved first, then validation from what is left.

    Args:
        corpus: the documents.
        parts: part of each document id, as ``read_corpus`` gives it; may be empty.
        split: shares and seed of what is carved.

    Raises:
        CorpusError: too few groups, parts that name no training documents, or a document in no part.
    """
    named = _named_parts(corpus, parts)
    found = set(named)
    if found and "train" not in found:
        raise CorpusError(
            f"the corpus names {' and '.join(sorted(found))} documents but none for train; "
            "give the folder that holds all parts, or one without names of parts"
        )
    train = named.get("train", corpus)
    if found == set(PARTS):
        return {part: named[part] for part in PARTS}
    test = named.get("test", named.get("validation"))
    if test is None:
        train, test = _carve(train, split.test, split.seed, "test", n_remaining=2)
    train, validation = _carve(train, split.validation, split.seed, "validation", n_remaining=1)
    return {"train": train, "validation": validation, "test": test}


def fold_parts(corpus: Corpus, parts: Mapping[str, Part], split: SplitConfig, fold: FoldConfig) -> dict[Part, Corpus]:
    """The corpora of one fold: its groups are ``test``, the others ``train`` and ``validation``.

    Every document of what is parted is a test document in one fold only. Folds differ in size by a group at most,
    where groups are alike in size. Inside a fold, validation is carved as :func:`split_parts` does.

    Args:
        corpus: the documents.
        parts: part of each document id; only ``of: train`` asks for them.
        split: share of the validation part, and the seed of everything.
        fold: which one, of how many.

    Raises:
        CorpusError: fewer groups than folds, or no training documents.
    """
    if fold.of == "train":
        named = _named_parts(corpus, parts)
        corpus = named.get("train", corpus) if named else corpus
    sizes = _group_sizes(corpus)
    if len(sizes) < max(fold.folds, 3):
        raise CorpusError(
            f"{len(sizes)} groups of documents cannot make {fold.folds} folds with training and validation documents; "
            "ask for fewer folds, or give more documents"
        )
    filled = [0] * fold.folds
    in_fold: set[str] = set()
    for group in shuffled(sizes, split.seed, "fold"):
        smallest = filled.index(min(filled))
        filled[smallest] += sizes[group]
        if smallest == fold.number - 1:
            in_fold.add(group)
    rest = _only(corpus, sizes.keys() - in_fold)
    train, validation = _carve(rest, split.validation, split.seed, "validation", n_remaining=1)
    return {"train": train, "validation": validation, "test": _only(corpus, in_fold)}


def hold_out(
    documents: Sequence[Document], share: float, seed: int, purpose: str = "validation", n_remaining: int = 1
) -> tuple[list[Document], list[Document]]:
    """The documents that are kept, and those that are held out; both in their order, neither empty.

    Args:
        documents: of at least one group more than remain.
        share: of the documents, in (0, 1), by whole groups: as many documents as the share says, rounded, or fewer
            where groups do not add up to it; more only where the smallest group has more.
        seed: another seed holds out other groups.
        purpose: what they are held out for; another purpose holds out other groups.
        n_remaining: how many groups are kept at least.

    Raises:
        CorpusError: too few groups.
    """
    held = held_out((document.unit for document in documents), share, seed, purpose, n_remaining)
    return (
        [document for document in documents if document.unit not in held],
        [document for document in documents if document.unit in held],
    )


def shared_groups(left: Corpus, right: Corpus) -> int:
    """Groups with documents in both corpora, such as a patient in train and in test."""
    return len({document.unit for document in left} & {document.unit for document in right})


def take_fraction(corpus: Corpus, fraction: float, seed: int) -> Corpus:
    """The part of the corpus nearest to a share of its documents, by group; smaller shares lie inside larger ones.

    Args:
        corpus: not empty.
        fraction: share of the documents, in (0, 1]; at least one group is taken.
        seed: another seed takes other groups.

    Raises:
        InputError: the fraction is out of range.
        CorpusError: the corpus is empty.
    """
    if not 0.0 < fraction <= 1.0:
        raise InputError(f"fraction: expected a share in (0, 1], got {fraction}")
    sizes = _group_sizes(corpus)
    if not sizes:
        raise CorpusError("a fraction of an empty corpus has no documents; give a corpus with documents")
    target = fraction * len(corpus)
    taken: set[str] = set()
    n_taken = 0
    for group in shuffled(sizes, seed, "fraction"):
        if taken and abs(n_taken - target) <= abs(n_taken + sizes[group] - target):
            break
        taken.add(group)
        n_taken += sizes[group]
    return _only(corpus, taken)


def _named_parts(corpus: Corpus, parts: Mapping[str, Part]) -> dict[Part, Corpus]:
    if not parts:
        return {}
    homeless = sum(document.doc_id not in parts for document in corpus)
    if homeless:
        raise CorpusError(f"{homeless} of {len(corpus)} documents are in no part; give every document one, or none")
    named = {
        part: corpus.with_documents(document for document in corpus if parts[document.doc_id] == part) for part in PARTS
    }
    return {part: documents for part, documents in named.items() if len(documents)}


def _carve(corpus: Corpus, share: float, seed: int, part: Part, n_remaining: int) -> tuple[Corpus, Corpus]:
    kept, held = hold_out(corpus.documents, share, seed, part, n_remaining)
    return corpus.with_documents(kept), corpus.with_documents(held)


def _group_sizes(corpus: Corpus) -> Counter[str]:
    return Counter(document.unit for document in corpus)


def _only(corpus: Corpus, groups: Collection[str]) -> Corpus:
    return corpus.with_documents(document for document in corpus if document.unit in groups)
