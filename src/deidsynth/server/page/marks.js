// Texts with their entities, drawn node by node: nothing of a text is ever markup.
const HUES = 8;
const LINES = 3;
const styles = new Map();

export const styleOf = (label) => {
  if (!styles.has(label)) {
    styles.set(label, `hue${styles.size % HUES} line${Math.floor(styles.size / HUES) % LINES}`);
  }
  return styles.get(label);
};

export const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(attribute, value === true ? "" : value);
  }
  made.append(...children);
  return made;
};

// Offsets count Unicode code points, while strings here count UTF-16 units.
export const pointsOf = (text) => Array.from(text);

export const shownScore = (score) => (score === null ? "–" : score.toFixed(2));

// The nodes of a text; `look` gives the classes and the title of an entity's mark, what stands behind its label, and whether it has none.
export function marked(points, entities, look) {
  const nodes = [];
  let last = 0;
  for (const entity of entities) {
    const seen = look(entity);
    nodes.push(points.slice(last, entity.start).join(""));
    const label = seen.isBare ? [] : [element("span", { class: "label" }, ` ${entity.label}${seen.after ?? ""}`)];
    const title = seen.title ?? `score ${shownScore(entity.score ?? null)}`;
    const word = points.slice(entity.start, entity.end).join("");
    nodes.push(element("mark", { class: `${styleOf(entity.label)} ${seen.classes ?? ""}`.trim(), title }, word, ...label));
    last = entity.end;
  }
  nodes.push(points.slice(last).join(""));
  return nodes;
}

export function table(points, entities, sources) {
  const head = element("tr", {}, element("th", { scope: "col", class: "word" }, "Text"), element("th", { scope: "col" }, "Score"), element("th", { scope: "col", class: "kind" }, "Label"));
  if (sources) head.append(element("th", { scope: "col", class: "kind" }, "Found by"));
  const rows = entities.map((entity) => {
    const word = points.slice(entity.start, entity.end).join("");
    const row = element("tr", {}, element("td", { class: "word", title: word }, word), element("td", {}, shownScore(entity.score)), element("td", { class: "kind" }, element("code", {}, entity.label)));
    if (sources) row.append(element("td", { class: "kind" }, entity.source));
    return row;
  });
  const body = element("tbody", {}, ...rows);
  const whole = element("table", {}, element("thead", {}, head), body);
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Entities" }, whole);
}
