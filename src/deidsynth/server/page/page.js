// The start of the page: which view is open, the key where one is needed, and what went wrong.
import { ask, useKey } from "./api.js";
import { openCorpus } from "./corpus.js";
import { startNote } from "./note.js";

const at = (id) => document.getElementById(id);
let info = null;

function fault(error) {
  at("fault").hidden = error === null;
  at("fault").textContent = error === null ? "" : error.message;
  if (error?.status === 401) askForKey();
}

function askForKey() {
  at("access").hidden = false;
  at("key").focus();
}

function open() {
  if (info === null) return;
  const view = location.hash === "#corpus" && info.has_corpus ? "corpus" : "note";
  for (const each of ["note", "corpus"]) at(each).hidden = each !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (view === "corpus") openCorpus(fault);
  else at("text").focus({ preventScroll: true });
}

async function start() {
  try {
    info = await ask("v1/info");
  } catch (error) {
    fault(error.status === 401 && !at("key").value ? null : error);
    if (error.status === 401) askForKey();
    return;
  }
  fault(null);
  at("access").hidden = true;
  at("about").textContent = info.models.map((model) => model.name).join(" and ");
  at("to-corpus").hidden = !info.has_corpus;
  startNote(info, fault);
  open();
}

at("access").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(at("key").value.trim());
  if (info === null) start();
  else {
    at("access").hidden = true;
    fault(null);
    open();
  }
});
addEventListener("hashchange", open);
start();
