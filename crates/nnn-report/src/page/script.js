"use strict";
// Shows one trial: its own parts, and those of its task that belong to no other trial.
const chooser = document.querySelector(".chooser"), trial = document.getElementById("trial");
const parts = document.querySelectorAll("[data-setup]:not(option)");
const filters = new Map();
const show = () => {
  const setup = trial.selectedOptions[0].dataset.setup;
  for (const part of parts) {
    const other = trial.value && (part.dataset.trial ? part.dataset.trial !== trial.value : part.dataset.setup !== setup);
    const filter = part.tagName === "TR" ? filters.get(part.closest("table")) : null;
    part.hidden = other || Boolean(filter && !part.textContent.toLowerCase().includes(filter));
  }
};
trial.addEventListener("change", show);
chooser.hidden = false;

// Sorts by a column, what is empty last. A second press turns the order round.
const number = text => parseFloat(text.replace(/[▲▼<,]/g, "").trim());
const sort = (table, at, head) => {
  const down = head.getAttribute("aria-sort") === "descending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "ascending" : "descending");
  const key = row => { const text = row.cells[at].textContent.trim(), value = head.classList.contains("n") ? number(text) : NaN; return Number.isNaN(value) ? text : value; };
  const rows = [...table.tBodies[0].rows].map(row => [key(row), row]);
  const last = value => value === "" || value === "–";
  const order = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  rows.sort(([a], [b]) => last(a) - last(b) || (down ? order(a, b) : order(b, a)));
  table.tBodies[0].append(...rows.map(([, row]) => row));
};
for (const table of document.querySelectorAll(".numbers")) {
  [...table.tHead.rows[0].cells].forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(table, at, head));
    head.replaceChildren(button);
  });
  const label = document.createElement("label"), filter = document.createElement("input");
  filter.type = "search";
  filter.addEventListener("input", () => { filters.set(table, filter.value.trim().toLowerCase()); show(); });
  label.append("Lines that contain ", filter);
  table.parentElement.before(label);
  // A press on a number opens its signature, with the metric's name in it.
  table.addEventListener("click", event => {
    const cell = event.target.closest("td.n"), row = cell?.parentElement, code = row?.querySelector("code");
    if (!code || !/\d/.test(cell.textContent)) return;
    const head = table.tHead.rows[0].cells[cell.cellIndex], metric = head.dataset.of || head.textContent;
    code.dataset.rest ??= code.textContent.startsWith("METRIC") ? code.textContent.slice(6) : "";
    if (code.dataset.rest) code.textContent = metric + code.dataset.rest;
    row.querySelector("details").open = true;
    row.querySelector("summary").scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}
