// The table of gradients beside their measured ones, array by array.

import { html } from "/parts/elements.js";
import { fixed } from "/parts/numbers.js";

/** The rows of the table; `current` names the array that the step computes. */
export function checkRows(checks, current) {
  return checks.flatMap(({ name, shape, entries, passed }) => {
    const [kind, layer] = [name.startsWith("weights") ? "W" : "b", Number(name.split(".")[1]) + 1];
    const here = current === `${kind}${layer}`;
    const array = html(
      "tr",
      { class: `array${here ? " hot" : ""}` },
      html("th", { scope: "rowgroup", colspan: 3 }, `${kind}${layer}`),
      html("td", { class: passed ? "right" : "wrong" }, passed ? "\u2713 all" : "\u2717 no"),
    );
    const rows = entries.map((entry, k) => {
      const place = kind === "W" ? `${Math.floor(k / shape[1]) + 1}, ${(k % shape[1]) + 1}` : `${k + 1}`;
      return html(
        "tr",
        { class: here ? "hot" : null },
        html("th", { scope: "row" }, `${kind}${layer}[${place}]`),
        html("td", { class: "number" }, fixed(entry.gradient, 6)),
        html("td", { class: "number" }, entry.difference === null ? "a kink" : fixed(entry.difference, 6)),
        html("td", { class: entry.passed ? "right" : "wrong" }, entry.passed ? "\u2713" : "\u2717 no"),
      );
    });
    return [array, ...rows];
  });
}
