from .deidentified import Deidentified as Deidentified, Replacement as Replacement
from .detection import deidentify as deidentify
from .marking import masked as masked, tagged as tagged
from .naming import Renaming as Renaming
from .runtime import Deidentifier as Deidentifier
