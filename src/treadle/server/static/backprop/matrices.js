// Matrices as tables: numbers to read, numbers to change, and results whose cells explain themselves.

import { html } from "/parts/elements.js";
import { fixed, shown } from "/parts/numbers.js";

/** A table of numbers; with edit(row, column, value) its cells are fields, with explain(row, column) buttons. */
export function matrixTable({ name, values }, { edit, explain, hot, whole } = {}) {
  const short = values.flat().every((value) => Number(value.toFixed(2)) === value);
  return html(
    "table",
    { class: "numbers" },
    html("caption", {}, name),
    html(
      "tbody",
      {},
      values.map((row, n) =>
        html("tr", {}, row.map((value, j) => html("td", { class: hot?.(n, j) ? "hot" : null }, cell(value, n, j)))),
      ),
    ),
  );

  function cell(value, n, j) {
    const label = `${name}, row ${n + 1}, column ${j + 1}`;
    if (edit) {
      return html("input", {
        type: "number",
        step: whole ? 1 : 0.1,
        min: whole ? 0 : -100,
        max: whole ?? 100,
        value: Number(value.toPrecision(6)),
        "aria-label": label,
        "data-cell": `${name} ${n} ${j}`,
        oninput: (event) => {
          const given = event.target.valueAsNumber;
          if (Number.isFinite(given) && event.target.checkValidity()) edit(n, j, given);
        },
      });
    }
    if (explain) {
      const show = () => explain(n, j);
      return html(
        "button",
        { type: "button", "aria-label": `${label}: ${shown(value)}`, "data-cell": `${name} ${n} ${j}`, onclick: show, onfocus: show, onpointerenter: show },
        fixed(value),
      );
    }
    return short ? shown(value) : fixed(value);
  }
}
