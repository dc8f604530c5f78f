"""Which columns, or keys, hold the texts and the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deidsynth.corpora.span_lists import list_names
from deidsynth.errors import InputError


@dataclass(frozen=True, slots=True)
class Columns:
    """What a user says of the columns.

    Args:
        texts: names of the columns with texts, or paths into JSON.
        patient: name of the column, or path, with the patient; None for none.
    """

    texts: tuple[str, ...]
    patient: str | None = None

    def kept(self, names: Sequence[str], path: str) -> tuple[str, ...]:
        """The columns that stay as they are, among those of a table.

        Raises:
            InputError: a named column is not there, or is there twice.
        """
        for option, name in (*(("--column", each) for each in self.texts), ("--patient-column", self.patient)):
            count = 1 if name is None else list(names).count(name)
            if count != 1:
                what = f"no column {name!r}" if not count else f"{count} columns {name!r}"
                raise InputError(f"{path}: {what}; {list_names(names)}; fix {option}")
        return tuple(name for name in names if name not in self.texts)


def patient_of(value: object) -> str | None:
    """The patient that a cell or a value names; None if it is empty.

    Raises:
        ValueError: it is neither text nor a whole number.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str) or type(value) is int:
        return str(value)
    raise ValueError("the patient is neither text nor a whole number; fix it")
