"""Train, validation and test splits: as the source names them, or drawn by group with a seed.

Randomness comes from hashes of seed, purpose and group, so a split depends neither on the document order nor on the
version of a random number generator. Documents of one group stay together, in corpus order.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping

from deidsynth.config import FoldConfig, SplitConfig
from deidsynth.corpora.records import SPLITS, Split
from deidsynth.documents import Corpus
from deidsynth.errors import CorpusError, InputError


def make_splits(corpus: Corpus, splits: Mapping[str, Split], config: SplitConfig) -> dict[Split, Corpus]:
    """The corpora ``train``, ``validation`` and ``test``; none is empty.

    If all three are named, they are used as they are. With train and test, validation is drawn from train. With train
    and validation, the named validation split becomes the test set and a new validation split is drawn from train.
    With train only, or no names, test is drawn first and then validation from the rest.

    Args:
        corpus: the documents.
        splits: split of each document id, as ``load_corpus`` returns it; may be empty.
        config: shares and seed of the splits that are drawn.

    Raises:
        CorpusError: too few groups, no training split among the named ones, or a document without a split.
    """
    named = _named_splits(corpus, splits)
    found = set(named)
    if found and "train" not in found:
        raise CorpusError(
            f"the corpus has a {' and a '.join(sorted(found))} split but no train split; "
            "give the folder that contains all splits, or one that names none"
        )
    train = named.get("train", corpus)
    if found == set(SPLITS):
        return {split: named[split] for split in SPLITS}
    test = named.get("test", named.get("validation"))
    if test is None:
        train, test = _draw(train, config.test, config.seed, "test", n_remaining=2)
    train, validation = _draw(train, config.validation, config.seed, "validation", n_remaining=1)
    return {"train": train, "validation": validation, "test": test}


def make_fold(
    corpus: Corpus, splits: Mapping[str, Split], config: SplitConfig, fold: FoldConfig
) -> dict[Split, Corpus]:
    """The corpora of one fold: its groups are ``test``, the others ``train`` and ``validation``.

    Every document is a test document in exactly one fold. If all groups have the same size, fold sizes differ by at
    most one group. Within a fold, validation is drawn as in :func:`make_splits`.

    Args:
        corpus: the documents.
        splits: split of each document id; only used with ``of: train``.
        config: share of the validation split, and the seed.
        fold: which fold, of how many.

    Raises:
        CorpusError: fewer groups than folds, or no training documents.
    """
    if fold.of == "train":
        named = _named_splits(corpus, splits)
        corpus = named.get("train", corpus) if named else corpus
    sizes = _group_sizes(corpus)
    if len(sizes) < max(fold.folds, 3):
        raise CorpusError(
            f"{len(sizes)} groups of documents cannot make {fold.folds} folds with training and validation documents; "
            "use fewer folds, or give more documents"
        )
    filled = [0] * fold.folds
    held_out: set[str] = set()
    for group in _shuffled(sizes, config.seed, "fold"):
        smallest = filled.index(min(filled))
        filled[smallest] += sizes[group]
        if smallest == fold.number - 1:
            held_out.add(group)
    rest = _only(corpus, sizes.keys() - held_out)
    train, validation = _draw(rest, config.validation, config.seed, "validation", n_remaining=1)
    return {"train": train, "validation": validation, "test": _only(corpus, held_out)}


def shared_groups(left: Corpus, right: Corpus) -> int:
    """The number of groups with documents in both corpora, such as a patient in both train and test."""
    return len({document.unit for document in left} & {document.unit for document in right})


def take_fraction(corpus: Corpus, fraction: float, seed: int) -> Corpus:
    """A subset of whole groups whose size is closest to a share of the documents; smaller shares are nested in larger.

    Args:
        corpus: not empty.
        fraction: share of the documents, in (0, 1]; at least one group is taken.
        seed: determines which groups are taken.

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
    for group in _shuffled(sizes, seed, "fraction"):
        if taken and abs(n_taken - target) <= abs(n_taken + sizes[group] - target):
            break
        taken.add(group)
        n_taken += sizes[group]
    return _only(corpus, taken)


def _named_splits(corpus: Corpus, splits: Mapping[str, Split]) -> dict[Split, Corpus]:
    if not splits:
        return {}
    unassigned = sum(document.doc_id not in splits for document in corpus)
    if unassigned:
        raise CorpusError(
            f"{unassigned} of {len(corpus)} documents have no split; give every document a split, or none"
        )
    named = {
        split: corpus.with_documents(document for document in corpus if splits[document.doc_id] == split)
        for split in SPLITS
    }
    return {split: documents for split, documents in named.items() if len(documents)}


def _draw(corpus: Corpus, share: float, seed: int, split: Split, n_remaining: int) -> tuple[Corpus, Corpus]:
    """The rest, and the drawn split: whole groups up to a share of the documents, at least one group."""
    sizes = _group_sizes(corpus)
    if len(sizes) <= n_remaining:
        raise CorpusError(
            f"{len(sizes)} group{'' if len(sizes) == 1 else 's'} of documents cannot be split into train and "
            f"{'validation' if n_remaining == 1 else 'validation and test'}: each needs at least one group. "
            "Give more documents, or a --group-by that makes smaller groups"
        )
    order = _shuffled(sizes, seed, split)
    target = share * len(corpus)
    drawn: set[str] = set()
    n_drawd = 0
    for group in order:
        if len(sizes) - len(drawn) > n_remaining and n_drawd + sizes[group] <= target + 0.5:
            drawn.add(group)
            n_drawd += sizes[group]
    if not drawn:
        drawn = {min(order, key=lambda group: sizes[group])}
    rest = _only(corpus, sizes.keys() - drawn)
    return rest, _only(corpus, drawn)


def _group_sizes(corpus: Corpus) -> Counter[str]:
    return Counter(document.unit for document in corpus)


def _shuffled(groups: Collection[str], seed: int, purpose: str) -> list[str]:
    def rank(group: str) -> bytes:
        return hashlib.sha256(f"{purpose}\0{seed}\0{group}".encode("utf-8", "surrogatepass")).digest()

    return sorted(groups, key=rank)


def _only(corpus: Corpus, groups: Collection[str]) -> Corpus:
    return corpus.with_documents(document for document in corpus if document.unit in groups)
