"""The filter of the report's notes in a browser, which follows style rules alone."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from browsers import dom_of, needs_chromium
from deidsynth.documents import Document, Entity
from deidsynth.report.content import RunReport
from deidsynth.report.document import render_html
from run_reports import report_content

LOOK = """<script>
const shown = (query) => [...document.querySelectorAll(query)].filter((each) => each.checkVisibility()).map((each) => each.textContent);
const look = () => ({ notes: shown("article h3"), labels: shown(".text .label"), rows: shown(".lowest tbody th") });
document.querySelector("details.lowest").open = true;
const found = { before: look() };
const radios = [...document.querySelectorAll(".legend input")];
radios[1].focus();
radios.find((each) => each.parentElement.textContent.trim() === "PET").click();
found.after = look();
found.kind = radios.map((each) => each.type);
document.body.innerHTML = "<pre id=verdict></pre>";
document.getElementById("verdict").textContent = JSON.stringify(found);
</script>"""  # noqa: E501


@needs_chromium
def test_a_chosen_label_leaves_its_notes_marks_and_rows(tmp_path: Path) -> None:
    notes = [
        Document("a", "Ana vio a Bo.", (Entity(0, 3, "NAME", 0.9), Entity(10, 12, "PET", 0.4))),
        Document("b", "Ana vio.", (Entity(0, 3, "NAME", 0.8),)),
    ]
    page = render_html(RunReport.model_validate(report_content()), notes)
    (tmp_path / "report.html").write_text(page.replace("</body>", f"{LOOK}</body>"), encoding="utf-8")
    dumped = dom_of((tmp_path / "report.html").as_uri(), tmp_path / "profile")
    verdict = re.search(r'<pre id="verdict">(.*)</pre>', dumped, re.DOTALL)
    assert verdict is not None
    found = json.loads(html.unescape(verdict[1]))
    assert [note[:6] for note in found["before"]["notes"]] == ["Note 1", "Note 2"]
    assert [label.strip() for label in found["before"]["labels"]] == ["NAME", "PET", "NAME"]
    assert found["before"]["rows"] == ["PET", "NAME", "NAME"]
    assert [note[:6] for note in found["after"]["notes"]] == ["Note 1"]
    assert [label.strip() for label in found["after"]["labels"]] == ["PET"]
    assert found["after"]["rows"] == ["PET"]
    assert set(found["kind"]) == {"radio"}
