"use strict";
(() => {
  const form = document.querySelector("form.filters");
  const box = document.getElementById("notes");
  const notes = [...box.querySelectorAll("article")].map((article) => ({
    article,
    rows: [...article.querySelectorAll("tr[data-error]")].map((row) => ({
      row,
      id: row.dataset.error,
      model: row.closest(".pane").dataset.model,
      kinds: row.dataset.kinds.split(" "),
      labels: row.dataset.labels.split(" "),
    })),
    marks: [...article.querySelectorAll("mark[data-errors]")],
  }));
  const status = form.querySelector("output");
  let shown = [];
  let place = -1;
  let order = document.body.dataset.view;

  const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

  function update() {
    const data = new FormData(form);
    const view = data.get("view") || order;
    const kinds = new Set(data.getAll("kind"));
    const label = data.get("label");
    const all = data.get("all") !== null;
    const here = place >= 0 ? shown[place] : null;
    document.body.dataset.view = view;
    if (view !== order) {
      order = view;
      const rank = ({ article }) => Number(article.getAttribute(`data-rank-${view}`));
      notes.sort((left, right) => rank(left) - rank(right));
      box.append(...notes.map(({ article }) => article));
    }
    shown = [];
    let visible = 0;
    for (const { article, rows, marks } of notes) {
      const found = new Set();
      for (const each of rows) {
        const asked = each.kinds.some((kind) => kinds.has(kind)) && (!label || each.labels.includes(label));
        const seen = asked && (view === "both" || each.model === view);
        each.row.hidden = !asked;
        if (asked) found.add(each.id);
        if (seen) shown.push(each.id);
        each.seen = seen;
      }
      for (const table of article.querySelectorAll(".pane .scroll")) {
        table.hidden = !table.querySelector("tr[data-error]:not([hidden])");
      }
      for (const mark of marks) {
        mark.classList.toggle("off", !mark.dataset.errors.split(" ").some((id) => found.has(id)));
      }
      article.hidden = !all && !rows.some((each) => each.seen);
      if (!article.hidden) visible += 1;
    }
    place = here === null ? -1 : shown.indexOf(here);
    document.getElementById("none").hidden = visible > 0;
    tell(visible);
  }

  function tell(visible) {
    const count = `${plural(shown.length, "error", "errors")} in ${plural(visible, "note", "notes")}`;
    status.dataset.count = visible;
    status.value = place >= 0 ? `Error ${place + 1} of ${count}` : count;
  }

  function walk(step) {
    if (!shown.length) return;
    place = place < 0 ? (step > 0 ? 0 : shown.length - 1) : (place + step + shown.length) % shown.length;
    go(shown[place]);
  }

  function go(id) {
    const target = document.getElementById(id);
    if (!target) return;
    for (const old of document.querySelectorAll(".here")) old.classList.remove("here");
    target.closest("mark").classList.add("here");
    document.querySelector(`tr[data-error="${id}"]`).classList.add("here");
    target.scrollIntoView({ block: "center" });
    target.focus({ preventScroll: true });
    tell(status.dataset.count);
  }

  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.next.addEventListener("click", () => walk(1));
  form.elements.previous.addEventListener("click", () => walk(-1));
  box.addEventListener("click", (event) => {
    const link = event.target.closest("tr[data-error] a");
    if (!link) return;
    event.preventDefault();
    const id = link.closest("tr").dataset.error;
    place = shown.indexOf(id);
    go(id);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, textarea")) return;
    if (event.key === "j" || event.key === "n") walk(1);
    else if (event.key === "k" || event.key === "p") walk(-1);
    else return;
    event.preventDefault();
  });
  update();
})();
