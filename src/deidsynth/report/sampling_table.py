"""What the filters found among the sampled notes, as plain data for the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deidsynth.config import FilterConfig
from deidsynth.privacy import LOOP_TOKENS
from deidsynth.report import formats
from deidsynth.report.tables import part

FACTS = {
    "n_without_eos": "cut off at the length limit",
    "n_empty": "empty notes",
    "n_malformed": "notes with broken entity marks",
    "n_overlong": "notes too long without an end",
    "n_loops": "notes caught in a loop",
    "n_in_foreign_script": "notes in a foreign script",
    "n_in_other_language": "notes in another language",
    "n_near_repeats": "notes that repeat another one",
    "n_with_long_runs": "notes with a long copied run",
    "n_with_identifying_runs": "notes with two identifiers in one copied run",
}
"""What the facts of the sampling stage count, in few words; a note may count in several."""

MORE_FACTS = {
    "n_asked": "notes asked for",
    "n_sampled": "notes sampled",
    "n_rejected": "notes rejected",
    "n_missing": "notes missing",
}
MODES = {
    "reject": "Notes that break a rule were replaced by newly sampled ones.",
    "count": "Notes that break a rule were counted and kept.",
    "off": "The rules were not applied; only empty notes were looked for.",
}


def sampling(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """The rows of the table, and how many notes were asked for and sampled; None where the run does not tell."""
    stages = [stage for stage in report.get("stages") or () if stage.get("stage") == "synthesize"]
    facts = part(stages[0], "facts") if stages else {}
    sampled = formats.number(facts.get("n_sampled"))
    if not sampled:
        return None
    config = part(report, "config", "synthesize", "filters")
    rules = _rules(config)
    rows = [
        {
            "name": name[0].upper() + name[1:],
            "what": rules.get(key, ""),
            "count": formats.count(facts[key]),
            "share": formats.percent(facts[key] / sampled),
        }
        for key, name in FACTS.items()
        if formats.number(facts.get(key)) is not None
    ]
    missing = formats.number(facts.get("n_missing"))
    return {
        "rows": rows,
        "mode": MODES.get(str(config.get("mode")), ""),
        "missing": formats.count(missing) if missing and config.get("mode") == "reject" else None,
        **{key: formats.count(facts.get(f"n_{key}")) for key in ("asked", "sampled", "rejected")},
    }


def _rules(config: Mapping[str, Any]) -> dict[str, str]:
    """What each rule says, with the bounds of the run."""
    bound = {**FilterConfig().model_dump(), **config}
    few = f"fewer than {bound['min_groups']} groups of training notes"
    return {
        "n_without_eos": "not a reason to be rejected",
        "n_empty": "no word behind the prompt",
        "n_malformed": f"more than {formats.percent(bound['max_malformed'])} of its marks had to be repaired",
        "n_overlong": f"cut off, and longer than {formats.percent(bound['overlong'])} of the training notes",
        "n_loops": f"more than {formats.percent(bound['max_repeated'])} of its runs of {LOOP_TOKENS} tokens "
        "stood before in it",
        "n_in_foreign_script": f"more than {formats.percent(bound['max_foreign_letters'])} of its letters belong to "
        "scripts that no training note has",
        "n_in_other_language": "the commonest words of the training notes are less than "
        f"{bound['min_common_words']} times as frequent as there",
        "n_near_repeats": f"shares at least {formats.percent(bound['near_duplicate_share'])} of its runs of 8 words "
        "with an earlier note, templates left out",
        "n_with_long_runs": f"a run of more than {bound['max_run_words']} words that stands in {few}",
        "n_with_identifying_runs": f"a run from one identifier of a training note to another that stands in {few}",
    }
