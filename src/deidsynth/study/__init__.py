"""Studies: cells from axes, folds and seeds, with shared stages run once, and comparison of their scores."""

from deidsynth.study.files import Study, load_studies, load_study, study_folders, study_store
from deidsynth.study.planning import StudyPlan, plan_study, preview_cells, study_warnings
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
    "study_warnings",
    "unfinished",
]
