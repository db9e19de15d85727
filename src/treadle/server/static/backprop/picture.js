// The network as a picture: units with the numbers of one row as far as they are known, and what comes back.

import { unitOf } from "/parts/axes.js";
import { set, svg } from "/parts/elements.js";
import { fixed, shown } from "/parts/numbers.js";

const WIDEST = 760;
const GAP = 74;
const RADIUS = 24;

/** Draws it anew into a place: the answer's numbers of one row, up to a step. */
export function drawNetwork(place, { sizes, row, steps, at, answer }) {
  const width = Math.max(280, Math.min(WIDEST, place.clientWidth / unitOf()));
  const most = Math.max(...sizes);
  const height = most * GAP + 46;
  const x = (layer) => 50 + (layer * (width - 100)) / (sizes.length - 1);
  const y = (layer, unit) => 26 + GAP * (unit + 0.5 + (most - sizes[layer]) / 2);
  const reached = (equation, layer) => {
    const i = steps.findIndex((step) => step.equation === equation && step.layer === layer);
    return i >= 0 && i <= at;
  };
  const now = steps[at];
  const edges = [];
  const units = [];
  for (let layer = 1; layer < sizes.length; layer++) {
    const active = (now.layer === layer && [1, 7].includes(now.equation)) || (now.layer === layer - 1 && now.equation === 6);
    for (let i = 0; i < sizes[layer - 1]; i++) {
      for (let j = 0; j < sizes[layer]; j++) {
        const weight = answer.weights[layer - 1][i][j];
        edges.push(
          svg("path", {
            class: `${weight < 0 ? "negative" : "positive"}${active ? " active" : ""}`,
            d: `M${x(layer - 1)} ${y(layer - 1, i)}L${x(layer)} ${y(layer, j)}`,
            "stroke-width": 1 + Math.min(5, 2 * Math.abs(weight)),
          }),
        );
      }
    }
  }
  const words = [];
  for (let layer = 0; layer < sizes.length; layer++) {
    const l = layer - 1;
    const name = layer === 0 ? "inputs" : layer === sizes.length - 1 ? "logits" : `layer ${layer}`;
    units.push(svg("text", { class: "unit middle", x: x(layer), y: 16 }, name));
    for (let unit = 0; unit < sizes[layer]; unit++) {
      const value =
        layer === 0
          ? answer.inputs[row][unit]
          : reached(2, layer)
            ? answer.h[l][row][unit]
            : reached(1, layer)
              ? answer.z[l][row][unit]
              : null;
      const back = layer > 0 && reached(layer === sizes.length - 1 ? 5 : 6, layer) ? answer.d[l][row][unit] : null;
      const active = layer > 0 && now.layer === layer;
      units.push(
        svg(
          "g",
          { class: `neuron${active ? " active" : ""}`, transform: `translate(${x(layer)} ${y(layer, unit)})` },
          svg("circle", { r: RADIUS }),
          svg("text", { class: "middle value", y: 4 }, value === null ? "?" : fixed(value, 2)),
          back === null ? null : svg("text", { class: "middle back", y: RADIUS + 13 }, `d ${fixed(back, 3)}`),
        ),
      );
      if (value !== null) words.push(`${name} ${unit + 1}: ${shown(value, 3)}${back === null ? "" : `, d ${shown(back, 3)}`}`);
    }
  }
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", class: "network" },
    svg("g", { class: "edges" }, edges),
    units,
  );
  set(picture, { "aria-label": `The network with the numbers of row ${row + 1}. ${words.join("; ")}` });
  place.replaceChildren(picture);
}
