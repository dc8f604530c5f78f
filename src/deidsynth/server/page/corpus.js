// The second view: a synthetic corpus, a few notes at a time.
import { ask } from "./api.js";
import { element, marked, pointsOf, shownScore, table } from "./marks.js";

const at = (id) => document.getElementById(id);
const FLAGS = {
  passed: ["pass", "passed the check for training text"],
  flagged: ["fail", "holds training text or a rare value"],
  not_checked: ["none", "not checked for training text"],
};
const LIMIT = 10;
let offset = 0;
let turn = 0;
let isStarted = false;

function wanted() {
  const query = new URLSearchParams({ offset, limit: LIMIT, order: at("order").value });
  if (at("label").value) query.set("label", at("label").value);
  if (at("flag").value) query.set("flag", at("flag").value);
  if (Number(at("max-score").value) < 1) query.set("max_score", at("max-score").value);
  return query;
}

function card(note) {
  const points = pointsOf(note.text);
  const most = Number(at("max-score").value);
  const label = at("label").value;
  const isAsked = (entity) => (!label || entity.label === label) && (most >= 1 || (entity.score !== null && entity.score <= most));
  const text = element("div", { class: "text", dir: "auto" });
  const narrowed = label || most < 1;
  text.append(
    ...marked(points, note.entities, (entity) => ({
      classes: narrowed && isAsked(entity) ? "only" : "",
      after: narrowed && isAsked(entity) ? ` ${shownScore(entity.score)}` : "",
    })),
  );
  const [kind, told] = FLAGS[note.flag];
  const head = element("h3", {}, element("bdi", {}, note.doc_id), element("small", {}, `note ${note.number}`), element("span", { class: `chip flag ${kind}` }, told));
  const least = note.entities.filter(isAsked).sort((left, right) => (left.score ?? 2) - (right.score ?? 2));
  const list = element("details", {}, element("summary", {}, `${least.length} ${least.length === 1 ? "entity" : "entities"}, least certain first`), table(points, least, false));
  return element("article", {}, head, text, ...(least.length ? [list] : []));
}

async function draw(fault) {
  const mine = (turn += 1);
  const most = Number(at("max-score").value);
  at("max-score-value").value = most < 1 ? most.toFixed(2) : "any";
  try {
    const found = await ask(`v1/corpus?${wanted()}`);
    if (mine !== turn) return; // a later request has been made
    if (at("label").length === 1) {
      for (const [label, count] of Object.entries(found.labels)) at("label").append(element("option", { value: label }, `${label} (${count})`));
    }
    const { passed, flagged, not_checked: unchecked } = found.counts;
    const checked = passed + flagged ? `${passed} passed the check for training text, ${flagged} did not` : "none was checked for training text";
    at("corpus-about").textContent = `${found.n_documents} notes; ${checked}${passed + flagged && unchecked ? `, ${unchecked} were not checked` : ""}.`;
    at("notes").replaceChildren(...found.notes.map(card));
    const last = Math.min(offset + LIMIT, found.n_found);
    at("place").value = found.n_found ? `Notes ${offset + 1} to ${last} of ${found.n_found}` : "No note is like that.";
    at("previous").disabled = offset === 0;
    at("next").disabled = last >= found.n_found;
    fault(null);
  } catch (error) {
    if (mine === turn) fault(error);
  }
}

export function openCorpus(fault) {
  if (!isStarted) {
    isStarted = true;
    at("wanted").addEventListener("submit", (event) => event.preventDefault());
    at("wanted").addEventListener("input", () => {
      offset = 0;
      draw(fault);
    });
    const step = (by) => () => {
      offset = Math.max(0, offset + by);
      draw(fault).then(() => at("place").scrollIntoView({ block: "nearest" }));
    };
    at("previous").addEventListener("click", step(-LIMIT));
    at("next").addEventListener("click", step(LIMIT));
  }
  draw(fault);
}
