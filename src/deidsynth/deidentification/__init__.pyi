from .deidentified import Deidentified as Deidentified, Replacement as Replacement
from .naming import Renaming as Renaming
from .runtime import Deidentifier as Deidentifier
