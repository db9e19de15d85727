// The room of L1 regression. The state is here and in the address; every number but the points is the engine's.

import { readAddress, readNumbers, readRows, writeAddress } from "/parts/address.js";
import { byId, html, set, svg } from "/parts/elements.js";
import { Engine } from "/parts/engine.js";
import { atMost, fixed, lineText, shown } from "/parts/numbers.js";
import { showProgram } from "/parts/program.js";
import { showTasks } from "/parts/tasks.js";
import { EXAMPLES, readPoints, viewOf } from "./examples.js";
import { Plot } from "./plot.js";
import { makeTasks } from "./tasks.js";

const SKY = 1e6;
const DECILES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

const state = fromAddress();
let answer = null;

const engine = new Engine("/api/l1", onAnswer, onRefusal);
const plot = new Plot(byId("plot"), {
  choose: (i) => change({ chosen: i }),
  move: movePoint,
  add: addPoint,
  remove: removePoint,
  own: (left, right) => change({ own: [left, right] }),
});
const program = showProgram();
const lookAtTasks = showTasks(makeTasks(change, exampleState));

listen();
change({});

function exampleState(example) {
  const { points, chosen } = EXAMPLES[example];
  return {
    example,
    points: points.map((point) => [...point]),
    chosen,
    view: viewOf(points),
    leastSquares: true,
    quantile: null,
    deciles: false,
    own: null,
    which: "l1",
  };
}

function fromAddress() {
  const text = readAddress();
  const found = exampleState(text.example in EXAMPLES ? text.example : "outlier");
  const points = readRows(text.points);
  const usable = (row) => row.length === 2 && row.every((value) => Math.abs(value) <= 1e9);
  if (points && points.length >= 2 && points.length <= 500 && points.every(usable)) {
    Object.assign(found, { example: null, points, view: viewOf(points), chosen: 0 });
  }
  const view = readNumbers(text.view);
  if (view?.length === 4 && view[0] < view[1] && view[2] < view[3]) found.view = view;
  const quantile = Number(text.quantile);
  if (quantile >= 0.02 && quantile <= 0.98) found.quantile = quantile;
  const own = readNumbers(text.own);
  if (own?.length === 2) found.own = own;
  const chosen = Number(text.point ?? NaN) - 1;
  if (Number.isInteger(chosen) && chosen >= 0 && chosen < found.points.length) found.chosen = chosen;
  if (text.leastsquares === "0") found.leastSquares = false;
  found.deciles = text.deciles === "1";
  if (text.proof === "quantile" && found.quantile !== null) found.which = "quantile";
  return found;
}

function toAddress() {
  const known = state.example !== null && EXAMPLES[state.example];
  const view = viewOf(state.points);
  const sameView = view.every((value, i) => value === state.view[i]);
  writeAddress({
    example: known ? state.example : null,
    points: known ? null : state.points.map((point) => point.join(",")).join(";"),
    view: sameView ? null : state.view.join(","),
    point: state.chosen + 1,
    leastsquares: state.leastSquares ? null : "0",
    quantile: state.quantile,
    deciles: state.deciles ? "1" : null,
    own: state.own?.join(","),
    proof: state.which === "l1" ? null : state.which,
  });
}

/** Changes the state, shows it, and asks for its numbers. */
function change(parts) {
  Object.assign(state, parts);
  if (state.quantile === null) state.which = "l1";
  draw();
  toAddress();
  const first = state.which === "l1" ? 0.5 : state.quantile;
  const quantiles = [first, 0.5, state.quantile, ...(state.deciles ? DECILES : [])];
  engine.ask({
    points: state.points,
    quantiles: [...new Set(quantiles.filter((quantile) => quantile !== null))].slice(0, 11),
    own: ownLine(),
  });
}

/** The person's line by its heights at the view's two sides, as intercept and slope. */
function ownLine() {
  if (!state.own) return null;
  const [x0, x1] = state.view;
  const slope = (state.own[1] - state.own[0]) / (x1 - x0);
  return { intercept: state.own[0] - slope * x0, slope };
}

function movePoint(i, x, y) {
  const points = state.points.map((point, j) => (j === i ? [x, y] : point));
  change({ points, example: null, chosen: i });
}

function addPoint(x, y) {
  if (state.points.length >= 500) return;
  change({ points: [...state.points, [x, y]], example: null, chosen: state.points.length });
}

function removePoint(i) {
  if (state.points.length <= 2) return;
  const points = state.points.filter((_, j) => j !== i);
  change({ points, example: null, chosen: Math.min(i, points.length - 1) });
}

function onAnswer(found, question) {
  set(byId("refusal"), { hidden: true });
  answer = { ...found, question };
  program(found.python);
  draw();
  announce();
  lookAtTasks({ ...state, answer });
}

function onRefusal(message) {
  byId("refusal").textContent = message;
  set(byId("refusal"), { hidden: false });
}

function lineOf(quantile) {
  return answer?.lines.find((line) => line.quantile === quantile);
}

function draw() {
  const l1 = lineOf(0.5);
  const other = state.quantile === null ? null : lineOf(state.quantile);
  const squares = state.leastSquares ? answer?.least_squares : null;
  const own = ownLine();
  const fresh = answer?.question.points.length === state.points.length;
  const deciles = state.deciles && answer ? answer.lines.filter((line) => DECILES.includes(line.quantile)) : [];
  const lines = [
    ...deciles.map((line) => ({ kind: "decile", ...line })),
    ...(squares ? [{ kind: "train", ...squares }] : []),
    ...(other ? [{ kind: "quantile", ...other }] : []),
    ...(l1 ? [{ kind: "l1", ...l1 }] : []),
    ...(own ? [{ kind: "own-line", ...own }] : []),
  ];
  plot.draw({
    points: state.points,
    view: state.view,
    chosen: state.chosen,
    u: fresh ? answer.pulls.u : [],
    box: answer?.pulls.box ?? [-1, 1],
    residuals: fresh ? answer.pulls.residuals : [],
    lines,
    region: answer?.optimal,
    own: state.own,
  });
  drawControls();
  drawLegend(other);
  drawPoint(fresh);
  if (answer) drawProof();
}

function drawControls() {
  byId("example").value = state.example ?? "";
  byId("least-squares").checked = state.leastSquares;
  byId("with-quantile").checked = state.quantile !== null;
  byId("quantile").value = state.quantile ?? 0.8;
  set(byId("quantile"), { disabled: state.quantile === null });
  byId("share").textContent = `${Math.round(100 * (state.quantile ?? 0.8))} %`;
  byId("deciles").checked = state.deciles;
  byId("own").checked = state.own !== null;
  for (const input of document.querySelectorAll("[name=which]")) input.checked = input.value === state.which;
  set(byId("remove"), { disabled: state.points.length <= 2 });
  set(byId("add"), { disabled: state.points.length >= 500 });
}

function drawLegend(other) {
  const several = answer?.optimal?.length > 1;
  const entries = [
    ["l1", "L1: least sum of distances"],
    state.leastSquares ? ["train", "least squares: least sum of squared distances"] : null,
    other ? ["quantile", `${Math.round(100 * other.quantile)} % of the points below`] : null,
    state.deciles ? ["decile", "10 %, 20 % … 90 % below"] : null,
    several ? ["region", "all lines that are as good"] : null,
    state.own ? ["own-line", "my line"] : null,
  ].filter(Boolean);
  byId("legend").replaceChildren(
    ...entries.map(([kind, text]) =>
      html(
        "li",
        { class: "key" },
        svg(
          "svg",
          { viewBox: "0 0 27 11", "aria-hidden": "true" },
          kind === "region"
            ? svg("g", { class: "region" }, svg("path", { d: "M0 1H27V10H0Z" }))
            : svg("path", { class: `curve ${kind}`, d: "M0 6H27" }),
        ),
        text,
      ),
    ),
  );
}

function drawPoint(fresh) {
  const [x, y] = state.points[state.chosen];
  byId("point-name").textContent = `Point ${state.chosen + 1} of ${state.points.length}`;
  for (const [id, value] of [["x", x], ["y", y]]) {
    if (document.activeElement !== byId(id)) byId(id).value = value;
  }
  if (!fresh) return;
  const { u, residuals, box, on_the_line } = answer.pulls;
  const [pull, distance] = [u[state.chosen], residuals[state.chosen]];
  const inside = pull > box[0] && pull < box[1];
  byId("point-says").textContent =
    on_the_line.includes(state.chosen) || inside
      ? `The line goes through it. It pulls with u = ${shown(pull, 4)}.`
      : `It lies ${shown(Math.abs(distance), 4)} ${distance > 0 ? "above" : "below"} the line, and pulls with u = ${shown(pull, 4)}. However far you move it straight ${distance > 0 ? "up" : "down"}, that stays so.`;
  if (byId("numbers").open) drawTable();
}

function drawTable() {
  const { u, residuals } = answer.pulls;
  byId("table").replaceChildren(
    ...state.points.map(([x, y], i) =>
      html(
        "tr",
        {},
        html("th", { scope: "row", class: "number" }, String(i + 1)),
        [x, y, residuals[i], u[i]].map((value) => html("td", { class: "number" }, shown(value, 5))),
      ),
    ),
  );
}

function drawProof() {
  const line = answer.lines[0];
  const median = line.quantile === 0.5;
  const { sums, box } = answer.pulls;
  byId("which").hidden = state.quantile === null;
  set(byId("verdict"), { class: `verdict ${line.proved ? "right" : "wrong"}` });
  const name = median ? "sum of distances" : "weighted sum of distances";
  byId("verdict").textContent = line.proved
    ? `\u2713 Proved: no line has a smaller ${name}.`
    : `\u2717 Not proved: ${line.flaw}.`;
  byId("line").textContent = lineText(line.intercept, line.slope);
  byId("sum-name").textContent = name;
  byId("sum").textContent = shown(line.objective, 7);
  const [low, high] = line.least_bounds.map((bound) => shown(bound, 9));
  byId("least").textContent = low === high ? shown(line.least_bounds[1], 7) : `${low} to ${high}`;
  byId("gap").textContent = atMost(line.gap_bound);
  byId("unique").textContent =
    line.unique === null
      ? "Whether another line is as good was not decided."
      : line.unique
        ? "It is the only such line."
        : answer.optimal === null
          ? "All points stand above one another, so that the slope may be anything; 0 is shown."
          : "Other lines are exactly as good: all those that stay in the shaded region.";
  byId("theorem").textContent = line.theorem;
  byId("proof").textContent = answer.proof;
  byId("up").textContent = shown(box[1], 4);
  byId("down").textContent = shown(box[0], 4);
  const size = state.points.reduce((most, [x, y]) => Math.max(most, Math.abs(x), Math.abs(y)), 1);
  const clean = (value) => (Math.abs(value) < 1e-9 * size * state.points.length ? 0 : value);
  byId("sum-u").textContent = fixed(clean(sums.u));
  byId("sum-ux").textContent = fixed(clean(sums.ux));
  byId("sum-uy").textContent = shown(sums.uy, 7);
  byId("because").textContent = median
    ? `So take any line. Its sum of distances is at least the sum of u times (height of the point over the line), as u lies between ${shown(box[0])} and ${shown(box[1])}. There the line itself drops out, since the first two sums are 0, and what is left is the third, ${shown(sums.uy, 7)}: no line has less. The blue line has exactly that.`
    : `A point above the line counts ${shown(box[1], 3)} times its distance, one below ${shown(-box[0], 3)} times: that is what makes ${Math.round(100 * line.quantile)} % of the points lie below. The reason is the same: the line drops out of the sums, and ${shown(sums.uy, 7)} is left for every line.`;
  drawOwnWords(line);
}

function drawOwnWords(line) {
  const own = answer.own;
  if (!state.own || !own) {
    byId("own-says").textContent = "Can you find a line with a smaller sum than the blue one?";
    return;
  }
  const above = own.above_the_least;
  const same = Math.abs(above) <= 1e-9 * Math.max(1, line.objective);
  const verdict = own.proved
    ? "The proof accepts it: it is the blue line itself."
    : same
      ? "It is as good as the blue line: several lines are the best."
      : `That is ${shown(above, 4)} more than the least.`;
  const flaw = own.proved || same ? "" : ` Claim that it is the best, and the proof refuses it: ${own.flaw}.`;
  byId("own-says").textContent = `Your line has the sum ${shown(own.loss, 7)}. ${verdict}${flaw}`;
}

let timer = 0;

/** Says the result to a screen reader, once things have come to rest. */
function announce() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const line = answer.lines[0];
    byId("said").textContent = `The line is ${lineText(line.intercept, line.slope)}, with a sum of ${shown(line.objective, 6)}${line.proved ? ", proved least" : ""}. ${byId("point-says").textContent}`;
  }, 900);
}

function listen() {
  byId("example").append(
    html("option", { value: "", hidden: true }, "your own"),
    ...Object.entries(EXAMPLES).map(([key, { name }]) => html("option", { value: key }, name)),
  );
  const on = (id, kind, listener) => byId(id).addEventListener(kind, listener);
  on("example", "change", (event) => change(exampleState(event.target.value)));
  on("add", "click", () => {
    const [x0, x1, y0, y1] = state.view;
    addPoint(Number(((x0 + x1) / 2).toPrecision(4)), Number(((y0 + y1) / 2).toPrecision(4)));
    plot.layers.points.children[state.chosen].focus();
  });
  on("fit", "click", () => change({ view: viewOf(state.points), own: null }));
  on("least-squares", "change", (event) => change({ leastSquares: event.target.checked }));
  on("with-quantile", "change", (event) =>
    change(event.target.checked ? { quantile: Number(byId("quantile").value) } : { quantile: null }),
  );
  on("quantile", "input", (event) => change({ quantile: Number(event.target.value) }));
  on("deciles", "change", (event) => change({ deciles: event.target.checked }));
  on("own", "change", (event) => {
    const [x0, x1, y0, y1] = state.view;
    const squares = answer?.least_squares ?? { intercept: (y0 + y1) / 2, slope: 0 };
    const at = (x) => Number((squares.intercept + squares.slope * x).toPrecision(3));
    change({ own: event.target.checked ? [at(x0), at(x1)] : null });
  });
  on("previous", "click", () => change({ chosen: (state.chosen + state.points.length - 1) % state.points.length }));
  on("next", "click", () => change({ chosen: (state.chosen + 1) % state.points.length }));
  on("remove", "click", () => removePoint(state.chosen));
  on("sky", "click", () => {
    const above = answer ? answer.pulls.residuals[state.chosen] >= 0 : true;
    movePoint(state.chosen, state.points[state.chosen][0], above ? SKY : -SKY);
  });
  for (const [id, axis] of [["x", 0], ["y", 1]]) {
    on(id, "input", (event) => {
      const value = event.target.valueAsNumber;
      if (!Number.isFinite(value) || Math.abs(value) > 1e9) return;
      const point = [...state.points[state.chosen]];
      point[axis] = value;
      movePoint(state.chosen, ...point);
    });
    on(id, "blur", () => draw());
  }
  on("numbers", "toggle", () => answer && draw());
  on("paste", "click", () => {
    try {
      const points = readPoints(byId("pasted").value);
      byId("pasted-said").textContent = `${points.length} points.`;
      change({ points, example: null, chosen: 0, view: viewOf(points), own: null });
    } catch (error) {
      byId("pasted-said").textContent = error.message;
    }
  });
  for (const [which, text] of [["l1", "of the L1 line"], ["quantile", "of the quantile’s line"]]) {
    byId("which").append(
      html(
        "label",
        { class: "choice" },
        html("input", { type: "radio", name: "which", value: which, onchange: () => change({ which }) }),
        html("span", {}, text),
      ),
    );
  }
  addEventListener("hashchange", () => change(fromAddress()));
}
