"""Findings of the filters in the sampled notes, as plain data for the page."""

from __future__ import annotations

from typing import Any

from deidsynth.config import FilterConfig
from deidsynth.privacy import LOOP_TOKENS
from deidsynth.privacy.near_duplicates import RUN_WORDS
from deidsynth.report import formats
from deidsynth.report.content import RunReport

MODES = {
    "reject": "Notes that violate a rule were replaced by new samples.",
    "count": "Notes that violate a rule were counted and kept.",
    "off": "The rules were not applied; only empty notes were detected.",
}


def sampling(report: RunReport) -> dict[str, Any] | None:
    """The rows of the table, and the numbers of requested and sampled notes; None if the run does not report them."""
    stage = next((stage for stage in report.stages if stage.box == "synthesize"), None)
    if stage is None or not stage.facts.get("n_sampled"):
        return None
    facts, filters = stage.facts, FilterConfig.model_validate(report.config["synthesize"]["filters"])
    rows = []
    for key, rule in _rules(filters).items():
        if key in facts:
            name = stage.fact_title(key)
            rows.append(
                {
                    "name": name[0].upper() + name[1:],
                    "what": rule,
                    "count": formats.count(facts[key]),
                    "share": formats.percent(facts[key] / facts["n_sampled"]),
                }
            )
    missing = facts.get("n_missing") if filters.mode == "reject" else None
    return {
        "rows": rows,
        "mode": MODES[filters.mode],
        "missing": formats.count(missing) if missing else None,
        **{key: formats.count(facts.get(f"n_{key}")) for key in ("asked", "sampled", "rejected")},
    }


def _rules(filters: FilterConfig) -> dict[str, str]:
    """Descriptions of the rules with the thresholds of the run, by the fact that counts violations."""
    few = f"fewer than {filters.min_groups} groups of training notes"
    return {
        "n_without_eos": "not rejected for this",
        "n_empty": "no word after the prompt",
        "n_malformed": f"more than {formats.percent(filters.max_malformed)} of its inline entity tags needed repair",
        "n_overlong": f"truncated, and longer than {formats.percent(filters.overlong)} of the training notes",
        "n_loops": f"more than {formats.percent(filters.max_repeated)} of its {LOOP_TOKENS}-token runs are repetitions",
        "n_in_foreign_script": f"more than {formats.percent(filters.max_foreign_letters)} of its letters are from "
        "scripts that do not occur in training notes",
        "n_in_other_language": "the most frequent words of the training notes are less than "
        f"{filters.min_common_words} times as frequent in it",
        "n_near_duplicates": f"shares at least {formats.percent(filters.near_duplicate_share)} of its "
        f"{RUN_WORDS}-word runs with an earlier note, excluding templates",
        "n_with_long_runs": f"a verbatim run of more than {filters.max_run_words} words that occurs in {few}",
        "n_with_identifying_runs": f"a verbatim run between two identifiers of a training note that occurs in {few}",
    }
