"""De-identifying new texts with a trained model: find identifiers, then tag or mask them."""

from __future__ import annotations

from deidsynth.deidentification.detection import deidentify
from deidsynth.deidentification.marking import masked, tagged
from deidsynth.deidentification.naming import Renaming
from deidsynth.deidentification.writing import write_file, write_folder

__all__ = ["Renaming", "deidentify", "masked", "tagged", "write_file", "write_folder"]
