"""The page in a browser: what people do there, with the keyboard alone."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from browsers import dom_of, needs_chromium
from deidsynth.server import service
from deidsynth.server.keys import add_key, read_keys
from deidsynth.server.pages import File, page_files
from deidsynth.server.service import Served, make_service
from served import Finder, everything, running, served

TOOLS = """
const at = (id) => document.getElementById(id);
const until = async (holds) => { while (!holds()) await new Promise((go) => setTimeout(go, 20)); };
const type = (id, value) => {
  at(id).focus();
  at(id).value = value;
  at(id).dispatchEvent(new Event("input", { bubbles: true }));
};
const key = (name, more = {}) =>
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, ...more }));
const texts = (query) => [...document.querySelectorAll(query)].map((found) => found.textContent);
const outside = [];
document.addEventListener("securitypolicyviolation", (event) => outside.push(event.blockedURI));
const seen = await (async () => {
%s
})();
const entries = performance.getEntriesByType("resource").map((entry) => new URL(entry.name).origin);
document.body.innerHTML = "<pre id=verdict></pre>";
at("verdict").textContent = JSON.stringify({ seen, outside, origins: [...new Set(entries)], origin: location.origin });
"""
"""Around what a test does: ways to use the page, then what was seen as JSON."""

Driven = Callable[..., Any]


@pytest.fixture
def driven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Driven:
    """What a script sees that uses the page of a service as a person would."""

    def drive(asked: Served, script: str, place: str = "/") -> Any:
        files = dict(page_files())
        page = files["index.html"]
        driver = b'<script type="module" src="page/driver.js"></script></head>'
        files["index.html"] = File(page.content.replace(b"</head>", driver), page.kind)
        files["driver.js"] = File((TOOLS % script).encode(), "text/javascript; charset=utf-8")
        monkeypatch.setattr(service, "page_files", lambda: files)
        with running(make_service(asked)) as url:
            found = dom_of(url + place, tmp_path / "profile")
        verdict = re.search(r'<pre id="verdict">(.*)</pre>', found, re.DOTALL)
        assert verdict is not None, found[-2000:]
        told = json.loads(html.unescape(verdict[1]))
        assert told["outside"] == [] and told["origins"] == [told["origin"]], "the page requests nothing from elsewhere"
        return told["seen"]

    return drive


@needs_chromium
def test_a_note_is_marked_compared_filtered_and_shown_after_the_policy(driven: Driven) -> None:
    script = r"""
    await until(() => !at("note").hidden);
    const focused = document.activeElement.id;
    type("text", "😀 <b>Brontus</b>\nAlvedina & Cirkelia");
    key("Enter", { ctrlKey: true });
    await until(() => !at("result").hidden);
    const of = (which) => texts(`#panes article:${which}-child mark`);
    const read = () => ({ marks: of("first"), others: of("last") });
    const all = read();
    const rows = texts("#panes article:first-child tbody td:first-child");
    type("threshold", "0.5");
    const sure = read();
    const box = document.querySelector("#labels input");
    box.click();
    const none = read();
    return { focused, all, rows, sure, none, output: at("output").textContent,
             policy: at("policy").textContent, bold: document.querySelectorAll("#note b").length,
             link: document.querySelector("nav [aria-current]").textContent, copy: at("copy").tabIndex };
    """
    seen = driven(everything(), script)
    assert seen["focused"] == "text" and seen["bold"] == 0 and seen["copy"] == 0
    assert seen["all"]["marks"] == ["Brontus NAME only here", "Alvedina NAME", "Cirkelia NAME only here"]
    assert seen["all"]["others"] == ["Alvedina NAME"]
    assert seen["rows"] == ["Brontus", "Cirkelia", "Alvedina"], "least certain first"
    assert seen["sure"]["marks"] == ["Alvedina NAME", "Cirkelia NAME only here"]
    assert seen["none"] == {"marks": [], "others": []}
    assert seen["output"] == "😀 <b>[NAME]</b>\n[NAME] & [NAME]", "filters do not change what the policy replaces"
    assert seen["policy"] == "masks everything" and seen["link"] == "De-identify"


@needs_chromium
def test_an_answer_to_a_note_that_is_no_longer_there_is_not_shown(driven: Driven) -> None:
    script = r"""
    await until(() => !at("note").hidden);
    const isAnswer = (entry) => entry.name.includes("/v1/deidentify");
    const n = () => performance.getEntriesByType("resource").filter(isAnswer).length;
    const read = () => ({ shown: !at("result").hidden, output: at("output").textContent, status: at("status").value,
                          text: at("text").value, ready: !at("ask").querySelector("button.main").disabled });
    const meanwhile = async (act) => {
      const before = n();
      type("text", "Brontus");
      at("ask").requestSubmit();
      act();
      await until(() => n() > before);
      await new Promise((go) => setTimeout(go, 300));
      return read();
    };
    const cleared = await meanwhile(() => at("ask").reset());
    const edited = await meanwhile(() => type("text", "Brontus, Alvedina"));
    at("ask").requestSubmit();
    await until(() => !at("result").hidden);
    const again = read();
    const fresh = await meanwhile(() => {});
    return { cleared, edited, again, fresh };
    """
    seen = driven(served(Finder(seconds=0.2)), script)
    assert seen["cleared"] == {"shown": False, "output": "", "status": "", "text": "", "ready": True}
    assert seen["edited"]["status"].startswith("The note or its patient has changed") and not seen["edited"]["shown"]
    assert seen["edited"]["ready"] and seen["again"]["output"] == "[NAME], [NAME]"
    assert seen["fresh"]["output"] == "[NAME]" and seen["fresh"]["status"].startswith("1 entity in")


@needs_chromium
def test_the_corpus_is_read_by_label_score_and_flag(driven: Driven) -> None:
    script = r"""
    await until(() => at("notes").children.length === 3);
    const names = () => texts("#notes bdi");
    const all = names();
    const chips = texts("#notes .chip");
    const pick = async (id, value, count) => {
      type(id, value);
      await until(() => at("notes").children.length === count);
      return names();
    };
    const flagged = await pick("flag", "flagged", 1);
    await pick("flag", "", 3);
    const labeled = await pick("label", "NAME", 2);
    const low = await pick("max-score", "0.5", 1);
    return { all, chips, flagged, labeled, low, marks: texts("#notes mark"), place: at("place").value,
             about: at("corpus-about").textContent, options: texts("#label option") };
    """
    seen = driven(everything(), script, "/#corpus")
    assert seen["all"] == ["s-1", "s-2", "s-3"]
    assert [chip.split()[0] for chip in seen["chips"]] == ["passed", "holds", "not"]
    assert seen["flagged"] == ["s-2"] and seen["labeled"] == ["s-1", "s-2"] and seen["low"] == ["s-2"]
    assert seen["marks"] == ["Vindheim CITY", "Brontus NAME 0.30"]
    assert seen["place"] == "Notes 1 to 1 of 1" and seen["options"] == ["any", "NAME (2)", "CITY (1)"]
    assert seen["about"].startswith("3 notes; 1 passed the check for training text, 1 did not")


@needs_chromium
def test_a_key_is_asked_for_and_faults_are_told(driven: Driven, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "me")
    script = r"""
    await until(() => !at("access").hidden);
    const focused = document.activeElement.id;
    type("key", "wrong");
    at("access").requestSubmit();
    await until(() => !at("fault").hidden);
    const refused = at("fault").textContent;
    type("key", "KEY");
    at("access").requestSubmit();
    await until(() => !at("note").hidden);
    type("text", "crash Brontus");
    at("ask").requestSubmit();
    await until(() => !at("fault").hidden);
    return { focused, refused, fault: at("fault").textContent, role: at("fault").getAttribute("role"),
             shown: !at("result").hidden, kept: [localStorage.length, sessionStorage.length, document.cookie] };
    """.replace("KEY", key)
    seen = driven(replace(everything(), keys=read_keys(tmp_path / "keys.json")), script)
    assert seen["focused"] == "key" and "valid API key" in seen["refused"]
    assert "could not be processed" in seen["fault"] and seen["role"] == "alert" and not seen["shown"]
    assert seen["kept"] == [0, 0, ""], "a browser keeps neither the key nor the note"
