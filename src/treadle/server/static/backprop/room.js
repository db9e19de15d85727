// The room of back-propagation. The state is here and in the address; every number but the person's own is the engine's.

import { readAddress, readNumbers, readRows, writeAddress } from "/parts/address.js";
import { byId, html, set } from "/parts/elements.js";
import { ask, Engine } from "/parts/engine.js";
import { shown } from "/parts/numbers.js";
import { showProgram } from "/parts/program.js";
import { showTasks } from "/parts/tasks.js";
import { checkRows } from "./checks.js";
import { matrixTable } from "./matrices.js";
import { drawNetwork } from "./picture.js";
import { describe, stepsOf } from "./steps.js";
import { makeTasks } from "./tasks.js";

const SIZES = [[1, 2, 2], [2, 3, 2], [2, 4, 3], [3, 3, 3], [2, 3, 3, 2]];
const ACTIVATIONS = ["tanh", "relu", "logistic", "gelu", "silu"];
const PENALTIES = [0, 0.1, 1];
const ERRORS = {
  no_target: "(5) forgets to subtract the target",
  no_mean: "(5) forgets to divide by the rows",
  no_derivative: "(6) leaves out the slope of the activation",
  sums_for_outputs: "(7) takes sums z where outputs a belong",
  mean_of_rows: "(8) takes the mean of the rows, not their sum",
};
const NAMES = Object.keys(ERRORS);

let state = { sizes: [2, 3, 2], activation: "tanh", l2: 0, error: null, secret: false, guess: null, step: 0, row: 0 };
let answer = null;

const engine = new Engine("/api/backprop", onAnswer, onRefusal);
const program = showProgram();
const lookAtTasks = showTasks(makeTasks(change, plantSecret));

listen();
begin();

async function begin() {
  const text = readAddress();
  const sizes = readNumbers(text.sizes);
  if (SIZES.some((known) => String(known) === String(sizes))) state.sizes = sizes;
  if (ACTIVATIONS.includes(text.activation)) state.activation = text.activation;
  if (PENALTIES.includes(Number(text.penalty))) state.l2 = Number(text.penalty);
  if (text.error in ERRORS) state.error = text.error;
  if (text.secret in NAMES) Object.assign(state, { error: NAMES[text.secret], secret: true });
  const [parameters, X, labels] = [readNumbers(text.parameters), readRows(text.X), readNumbers(text.labels)];
  if (parameters && X && labels) Object.assign(state, { parameters, X, labels });
  else await drawNumbers(0, 3);
  const step = Number(text.step) - 1;
  change({ step: Number.isInteger(step) && step >= 0 ? Math.min(step, steps().length - 1) : 0 });
}

/** Has the engine draw parameters and rows. */
async function drawNumbers(seed, rows) {
  try {
    Object.assign(state, await ask("/api/backprop/draw", { sizes: state.sizes, n_rows: rows, seed }), { row: 0 });
  } catch (error) {
    onRefusal(error.message);
  }
}

function toAddress() {
  writeAddress({
    sizes: state.sizes.join(","),
    activation: state.activation,
    penalty: state.l2 || null,
    parameters: state.parameters.join(","),
    X: state.X.map((row) => row.join(",")).join(";"),
    labels: state.labels.join(","),
    error: state.secret ? null : state.error,
    secret: state.secret ? NAMES.indexOf(state.error) : null,
    step: state.step + 1,
  });
}

function steps() {
  return stepsOf(state.sizes.length - 1);
}

/** Changes the state, shows it, and asks for its numbers. */
function change(parts) {
  state = { ...state, ...parts };
  toAddress();
  drawControls();
  const { sizes, activation, l2, parameters, X, labels, error } = state;
  engine.ask({ sizes, activation, l2, parameters, X, labels, error });
}

/** Changes what asks for no new numbers. */
function look(parts) {
  state = { ...state, ...parts };
  toAddress();
  draw();
}

function plantSecret() {
  change({ error: NAMES[Math.floor(Math.random() * NAMES.length)], secret: true, guess: null });
}

function onAnswer(found, question) {
  set(byId("refusal"), { hidden: true });
  answer = { ...found, question };
  draw();
}

function onRefusal(message) {
  byId("refusal").textContent = message;
  set(byId("refusal"), { hidden: false });
}

function draw() {
  if (String(answer.question.sizes) !== String(state.sizes) || answer.inputs.length !== state.X.length) return;
  const all = steps();
  drawControls();
  drawNetwork(byId("picture"), { sizes: state.sizes, row: state.row, steps: all, at: state.step, answer });
  drawStep(all[state.step]);
  drawChecks(all[state.step]);
  drawError();
  const hidden = state.secret && !found();
  program(hidden ? "# The program has the secret error in it: find it first." : answer.python);
  lookAtTasks({ ...state, steps: all, answer });
}

function drawStep(step) {
  const said = describe(step, answer, answer.question);
  byId("equation-title").textContent = `${state.step + 1}. ${said.title} (${step.equation})`;
  byId("equation").innerHTML = said.equation; // written in steps.js, of nothing that came from elsewhere
  byId("meaning").textContent = said.meaning;
  byId("explained").textContent = "Point at a framed number, or reach it with the Tab key, to see how it comes about.";
  const focused = document.activeElement?.dataset?.cell;
  const editing = document.activeElement?.tagName === "INPUT" && focused;
  const tables = said.inputs.map((matrix) =>
    matrixTable(matrix, matrix.edit ? { edit: editor(matrix.edit), whole: matrix.edit[0] === "labels" ? state.sizes.at(-1) - 1 : null } : {}),
  );
  const explain = (n, j) => {
    byId("explained").textContent = `${said.output.name}, row ${n + 1}, column ${j + 1}: ${said.cell(n, j)}`;
  };
  const fresh = [...tables, html("span", { class: "gives", "aria-hidden": "true" }, "gives"), matrixTable(said.output, { explain })];
  const place = byId("matrices");
  const same = place.dataset.step === `${state.sizes} ${state.step} ${state.X.length}`;
  if (editing && same) {
    // The field that is being typed into stays: the other tables are replaced around it.
    const old = [...place.children];
    const keep = document.activeElement.closest("table");
    old.forEach((child, i) => child !== keep && child.replaceWith(fresh[i]));
  } else {
    place.replaceChildren(...fresh);
    if (focused && same) place.querySelector(`[data-cell="${CSS.escape(focused)}"]`)?.focus();
  }
  place.dataset.step = `${state.sizes} ${state.step} ${state.X.length}`;
}

/** A function that puts a number into the state: of X, the labels, or a layer's weights or biases. */
function editor([kind, layer]) {
  return (n, j, value) => {
    if (kind === "X") change({ X: state.X.map((row, i) => (i === n ? row.with(j, value) : row)) });
    else if (kind === "labels") change({ labels: state.labels.with(n, Math.round(value)) });
    else change({ parameters: state.parameters.with(place(kind, layer, n, j), value) });
  };
}

/** Where a parameter stands in the flat list: all weights, first layer first, then all biases. */
function place(kind, layer, n, j) {
  const products = state.sizes.slice(1).map((size, i) => size * state.sizes[i]);
  const total = (list) => list.reduce((a, b) => a + b, 0);
  if (kind === "weights") return total(products.slice(0, layer)) + n * state.sizes[layer + 1] + j;
  return total(products) + total(state.sizes.slice(1, layer + 1)) + j;
}

function drawChecks(step) {
  const current = step.equation === 7 ? `W${step.layer}` : step.equation === 8 ? `b${step.layer}` : null;
  const count = answer.checks.flatMap((check) => check.entries);
  const wrong = count.filter((entry) => !entry.passed).length;
  set(byId("verdict"), { class: `verdict ${wrong ? "wrong" : "right"}` });
  byId("verdict").textContent = wrong
    ? `\u2717 ${wrong} of ${count.length} gradients do not agree with what was measured.`
    : `\u2713 All ${count.length} gradients agree with what was measured.`;
  byId("engine-says").textContent =
    answer.engine_difference === 0
      ? "treadle’s NumPy engine, which trains, computes the same numbers to the last bit."
      : `treadle’s NumPy engine, which trains, differs by ${shown(answer.engine_difference, 2)} at most.`;
  byId("checks").replaceChildren(...checkRows(answer.checks, current));
}

const found = () => state.guess !== null && state.guess === answer.wrong_equation?.number;

function drawError() {
  byId("guess").hidden = !state.secret;
  byId("error-says").textContent = state.secret
    ? "One of these equations is wrong now. Which arrays does the measurement find wrong? That tells which."
    : state.error
      ? `Equation (${answer.wrong_equation?.number}) is wrong now: ${answer.wrong_equation?.says}. The table shows what the measurement thinks of it.`
      : "Each of these is an error that people make. A network may even learn with it, badly: only measuring tells.";
  byId("guess-says").textContent =
    !state.secret || state.guess === null
      ? ""
      : found()
        ? `\u2713 Yes, it is (${state.guess}): ${answer.wrong_equation.says}.`
        : `\u2717 It is not (${state.guess}).`;
}

function drawControls() {
  byId("sizes").value = String(state.sizes);
  byId("activation").value = state.activation;
  byId("rows").value = String(state.X?.length ?? 3);
  byId("penalty").value = String(state.l2);
  byId("error").value = state.secret ? "secret" : (state.error ?? "");
  set(byId("step"), { max: steps().length - 1 });
  byId("step").value = state.step;
  byId("step").setAttribute("aria-valuetext", `${state.step + 1} of ${steps().length}, equation ${steps()[state.step].equation}`);
  set(byId("back"), { "aria-disabled": state.step === 0 ? "true" : null });
  set(byId("forward"), { "aria-disabled": state.step === steps().length - 1 ? "true" : null });
  const rows = state.X?.length ?? 0;
  if (byId("shown-row").children.length !== rows) {
    byId("shown-row").replaceChildren(
      ...Array.from({ length: rows }, (_, i) =>
        html(
          "label",
          { class: "choice" },
          html("input", { type: "radio", name: "row", value: i, onchange: () => look({ row: i }) }),
          html("span", {}, `row ${i + 1}`),
        ),
      ),
    );
  }
  for (const input of document.querySelectorAll("[name=row]")) input.checked = Number(input.value) === state.row;
}

function listen() {
  const options = (id, values, text) =>
    byId(id).append(...values.map((value) => html("option", { value: String(value) }, text(value))));
  options("sizes", SIZES, (sizes) => sizes.join(" – "));
  options("activation", ACTIVATIONS, (name) => name);
  options("rows", [1, 2, 3, 4], String);
  options("penalty", PENALTIES, String);
  byId("error").append(
    html("option", { value: "" }, "none"),
    ...Object.entries(ERRORS).map(([name, text]) => html("option", { value: name }, text)),
    html("option", { value: "secret" }, "a secret one, to find"),
  );
  byId("guess").append(
    ...[5, 6, 7, 8].map((number) => html("button", { type: "button", onclick: () => look({ guess: number }) }, `(${number})`)),
  );
  const on = (id, kind, listener) => byId(id).addEventListener(kind, listener);
  let seed = 0;
  const redraw = async (parts, rows) => {
    state = { ...state, ...parts, step: 0 };
    await drawNumbers(seed, rows);
    change({});
  };
  on("sizes", "change", (event) => redraw({ sizes: event.target.value.split(",").map(Number) }, state.X.length));
  on("rows", "change", (event) => redraw({}, Number(event.target.value)));
  on("draw", "click", () => {
    seed += 1;
    redraw({ step: state.step }, state.X.length);
  });
  on("activation", "change", (event) => change({ activation: event.target.value }));
  on("penalty", "change", (event) => change({ l2: Number(event.target.value) }));
  on("error", "change", (event) => {
    if (event.target.value === "secret") plantSecret();
    else change({ error: event.target.value || null, secret: false, guess: null });
  });
  const go = (by) => look({ step: Math.max(0, Math.min(steps().length - 1, state.step + by)) });
  on("back", "click", () => go(-1));
  on("forward", "click", () => go(1));
  on("step", "input", (event) => look({ step: Number(event.target.value) }));
  addEventListener("hashchange", begin);
  addEventListener("resize", () => answer && draw());
}
