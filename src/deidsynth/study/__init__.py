"""Studies: axes, folds and seeds make cells; cells that share work run it once; their scores are compared."""

from deidsynth.study.files import Study, load_studies, load_study, study_folders, study_store
from deidsynth.study.planning import StudyPlan, plan_study, preview_cells
from deidsynth.study.running import StudyResult, run_study, unfinished

__all__ = [
    "Study",
    "StudyPlan",
    "StudyResult",
    "load_studies",
    "load_study",
    "plan_study",
    "preview_cells",
    "run_study",
    "study_folders",
    "study_store",
    "unfinished",
]
