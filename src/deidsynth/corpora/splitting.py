"""Train, validation and test splits: as the source names them, or drawn by group with a seed.

A split depends neither on the document order nor on the version of a random number generator. Documents of one group
stay together, in corpus order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from deidsynth.config import FoldConfig, SplitConfig
from deidsynth.documents import SPLITS, Corpus, Document, Split
from deidsynth.errors import CorpusError, InputError
from deidsynth.groups import held_out, shuffled


def make_splits(corpus: Corpus, splits: Mapping[str, Split], config: SplitConfig) -> dict[Split, Corpus]:
    """The corpora ``train``, ``validation`` and ``test``; none is empty.

    If all three are named, they are used as they are. With train and test, validation is drawn from train. With train
    and validation, the named validation split becomes the test set and a new validation split is drawn from train.
    With train only, or no names, test is drawn first and then validation from the rest.

    With ``config.half``, training groups are divided into two random halves, as far as they have no validation
    document: that half is ``train`` and the other one ``test``, in place of the test documents, which are left out.
    The two values of ``half`` change the roles of the same halves.

    Args:
        corpus: the documents.
        splits: split of each document id, as ``read_corpus`` returns it; may be empty.
        config: shares and seed of the splits that are drawn, and the half.

    Raises:
        CorpusError: too few groups, no training split among the named ones, or a document without a split.
    """
    whole = _whole_splits(corpus, splits, config)
    return whole if config.half is None else _halved(whole, config.half, config.seed)


def _whole_splits(corpus: Corpus, splits: Mapping[str, Split], config: SplitConfig) -> dict[Split, Corpus]:
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


def _halved(whole: Mapping[Split, Corpus], half: int, seed: int) -> dict[Split, Corpus]:
    prompts = {document.unit for document in whole["validation"]}
    train = whole["train"].filter(lambda document: document.unit not in prompts)
    sizes = _group_sizes(train)
    if len(sizes) < 2:
        raise CorpusError(
            f"the training split has {len(sizes)} group{'' if len(sizes) == 1 else 's'} without validation documents, "
            "which cannot be halved; give more documents, or a --group-by that makes smaller groups"
        )
    halves = _dealt(sizes, 2, seed, "half")
    own, other = (_only(train, halves[number]) for number in (half - 1, 2 - half))
    return {"train": own, "validation": whole["validation"], "test": other}


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
        InputError: ``config`` asks for a half.
        CorpusError: fewer groups than folds, or no training documents.
    """
    if config.half is not None:
        raise InputError("split.half: a fold has no halves; leave out split.half, or the folds")
    if fold.of == "train":
        named = _named_splits(corpus, splits)
        corpus = named.get("train", corpus) if named else corpus
    sizes = _group_sizes(corpus)
    if len(sizes) < max(fold.folds, 3):
        raise CorpusError(
            f"{len(sizes)} groups of documents cannot make {fold.folds} folds with training and validation documents; "
            "use fewer folds, or give more documents"
        )
    in_fold = _dealt(sizes, fold.folds, config.seed, "fold")[fold.number - 1]
    rest = _only(corpus, sizes.keys() - in_fold)
    train, validation = _draw(rest, config.validation, config.seed, "validation", n_remaining=1)
    return {"train": train, "validation": validation, "test": _only(corpus, in_fold)}


def hold_out(
    documents: Sequence[Document], share: float, seed: int, purpose: str = "validation", n_remaining: int = 1
) -> tuple[list[Document], list[Document]]:
    """The remaining and the held-out documents, both in their original order, neither empty.

    Args:
        documents: from at least one group more than ``n_remaining``.
        share: of the documents to hold out, in (0, 1), by whole groups: the rounded share, or fewer documents if the
            groups do not add up to it; more only if the smallest group has more.
        seed: determines which groups are held out.
        purpose: what they are held out for; each purpose holds out different groups.
        n_remaining: least number of groups that remain.

    Raises:
        CorpusError: too few groups.
    """
    held = held_out((document.unit for document in documents), share, seed, purpose, n_remaining)
    return (
        [document for document in documents if document.unit not in held],
        [document for document in documents if document.unit in held],
    )


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
    for group in shuffled(sizes, seed, "fraction"):
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
    kept, held = hold_out(corpus.documents, share, seed, split, n_remaining)
    return corpus.with_documents(kept), corpus.with_documents(held)


def _group_sizes(corpus: Corpus) -> Counter[str]:
    return Counter(document.unit for document in corpus)


def _dealt(sizes: Mapping[str, int], n_shares: int, seed: int, purpose: str) -> list[set[str]]:
    """The groups in random order, each dealt to the share that has fewest documents so far."""
    filled = [0] * n_shares
    dealt: list[set[str]] = [set() for _ in filled]
    for group in shuffled(sizes, seed, purpose):
        smallest = filled.index(min(filled))
        filled[smallest] += sizes[group]
        dealt[smallest].add(group)
    return dealt


def _only(corpus: Corpus, groups: Collection[str]) -> Corpus:
    return corpus.with_documents(document for document in corpus if document.unit in groups)
