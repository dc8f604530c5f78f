// The first view: a pasted note, what each model finds in it, and the policy's output.
import { ask } from "./api.js";
import { element, marked, pointsOf, styleOf, table } from "./marks.js";

const at = (id) => document.getElementById(id);
const same = (left) => (right) => left.start === right.start && left.end === right.end && left.label === right.label;

let models = [];
let found = null; // { points, answers: one of each model }
let hidden = new Set(); // labels that are switched off
let turn = 0;

const button = () => at("ask").querySelector("button.main");

// What is on its way is of a note that is no longer there.
function forget() {
  turn += 1;
  button().disabled = false;
}

const withSources = (answer) =>
  answer.entities.map((entity, number) => ({ ...entity, source: answer.replacements[number]?.source ?? "model" }));

const isShown = (entity) => !hidden.has(entity.label) && (entity.score === null || entity.score >= Number(at("threshold").value));

function drawPanes() {
  const { points, answers } = found;
  at("threshold-value").value = Number(at("threshold").value).toFixed(2);
  const panes = answers.map((answer, number) => {
    const others = answers.length > 1 ? answers[1 - number].entities.filter(isShown) : null;
    const entities = withSources(answer).filter(isShown);
    const alone = (entity) => others !== null && !others.some(same(entity));
    const text = element("div", { class: "text", dir: "auto" });
    text.append(
      ...marked(points, entities, (entity) => ({
        classes: alone(entity) ? "only" : "",
        after: alone(entity) ? " only here" : "",
        title: `score ${entity.score === null ? "none" : entity.score.toFixed(2)}, found by ${entity.source}`,
      })),
    );
    const nOnly = entities.filter(alone).length;
    const counted = `${entities.length} of ${answer.entities.length} shown${others === null ? "" : `, ${nOnly} only here`}`;
    const head = element("h3", {}, models[number].name, element("small", {}, counted));
    const least = [...entities].sort((left, right) => (left.score ?? 2) - (right.score ?? 2));
    const list = element("details", {}, element("summary", {}, "List, least certain first"), table(points, least, true));
    return element("article", { "aria-label": models[number].name }, head, text, ...(entities.length ? [list] : []));
  });
  at("panes").replaceChildren(...panes);
}

function drawLabels() {
  const labelsOf = found.answers.map((answer) => answer.entities.map((entity) => entity.label));
  const boxes = [...new Set(labelsOf.flat())].sort().map((label) => {
    const counts = labelsOf.map((labels) => labels.filter((each) => each === label).length);
    const box = element("input", { type: "checkbox", name: "label", value: label, checked: !hidden.has(label) });
    return element("label", {}, box, element("mark", { class: styleOf(label) }, label), ` ${counts.join(" / ")}`);
  });
  at("labels").replaceChildren(element("legend", { class: "sr" }, "Labels"), ...boxes);
}

function drawOutput() {
  const answer = found.answers[0];
  const spans = answer.replacements
    .filter((each) => each.action !== "keep" && each.new_end > each.new_start)
    .map((each) => ({ start: each.new_start, end: each.new_end, label: each.label, action: each.action }));
  const nodes = marked(pointsOf(answer.text), spans, (span) => ({ isBare: true, title: `${span.label}: ${span.action}` }));
  at("output").replaceChildren(...nodes);
}

async function deidentify(fault) {
  if (button().disabled) return;
  const mine = (turn += 1);
  const text = at("text").value;
  const body = at("patient").value ? { text, patient: at("patient").value } : { text };
  button().disabled = true;
  at("status").value = "Working …";
  try {
    const began = performance.now();
    const paths = models.length > 1 ? ["v1/deidentify", "v1/compare"] : ["v1/deidentify"];
    const answers = await Promise.all(paths.map((path) => ask(path, body)));
    if (mine !== turn) return;
    found = { points: pointsOf(text), answers };
    const count = answers[0].entities.length;
    at("status").value = `${count} ${count === 1 ? "entity" : "entities"} in ${((performance.now() - began) / 1000).toFixed(1)} s`;
    at("result").hidden = false;
    at("copied").value = "";
    drawLabels();
    drawPanes();
    drawOutput();
    fault(null);
  } catch (error) {
    if (mine !== turn) return;
    at("status").value = "";
    at("result").hidden = true; // what is shown is never that of another text
    fault(error);
  } finally {
    if (mine === turn) button().disabled = false;
  }
}

async function copy() {
  const text = found.answers[0].text;
  try {
    await navigator.clipboard.writeText(text);
    at("copied").value = "Copied.";
  } catch {
    getSelection().selectAllChildren(at("output")); // a page without TLS on another machine may not write to the clipboard
    at("copied").value = "Selected; press Ctrl C to copy.";
  }
}

export function startNote(info, fault) {
  models = info.models;
  for (const label of [...new Set(models.flatMap((model) => model.labels))].sort()) styleOf(label);
  at("policy").textContent = info.policy || "What the policy makes of it; it is that of the first model.";
  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    deidentify(fault);
  });
  at("ask").addEventListener("reset", () => {
    forget();
    found = null;
    at("result").hidden = true;
    at("status").value = "";
    fault(null);
  });
  const changed = () => {
    const isAsked = button().disabled;
    forget();
    if (isAsked || found !== null) at("status").value = "The note or its patient has changed: de-identify it again.";
  };
  for (const id of ["text", "patient"]) at(id).addEventListener("input", changed);
  at("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("ask").requestSubmit();
  });
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("filters").addEventListener("input", () => {
    hidden = new Set([...at("labels").querySelectorAll("input:not(:checked)")].map((box) => box.value));
    drawPanes();
  });
  at("copy").addEventListener("click", copy);
}
