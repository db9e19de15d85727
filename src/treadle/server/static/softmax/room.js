// The room of the softmax. The state is here and in the address; every number but the logits is the engine's.

import { readAddress, readNumbers, writeAddress } from "/parts/address.js";
import { byId, html, set } from "/parts/elements.js";
import { Engine } from "/parts/engine.js";
import { fixed, shown } from "/parts/numbers.js";
import { showProgram } from "/parts/program.js";
import { showTasks } from "/parts/tasks.js";
import { makeTasks } from "./tasks.js";

const START = { logits: [2, 1, 0.1], shift: 0, temperature: 1, target: 0 };
const [FEWEST, MOST] = [2, 6];

let state = fromAddress();
let answer = null;

const engine = new Engine("/api/softmax", onAnswer, onRefusal);
const program = showProgram();
const lookAtTasks = showTasks(makeTasks(change));

listen();
change({});

function fromAddress() {
  const text = readAddress();
  const found = { ...START };
  const logits = readNumbers(text.logits);
  if (logits && logits.length >= FEWEST && logits.length <= MOST && logits.every((z) => Math.abs(z) <= 1000)) found.logits = logits;
  const [shift, temperature, target] = [text.shift, text.temperature, text.target].map(Number);
  if (shift >= 0 && shift <= 800) found.shift = shift;
  if (temperature >= 0.05 && temperature <= 20) found.temperature = temperature;
  if (Number.isInteger(target) && target >= 1 && target <= found.logits.length) found.target = target - 1;
  return found;
}

/** Changes the state, shows it, and asks for its numbers. */
function change(parts) {
  state = { ...state, ...parts };
  state.target = Math.min(state.target, state.logits.length - 1);
  writeAddress({
    logits: state.logits.join(","),
    shift: state.shift || null,
    temperature: state.temperature === 1 ? null : state.temperature,
    target: state.target + 1,
  });
  drawControls();
  engine.ask(state);
}

function onAnswer(found, question) {
  set(byId("refusal"), { hidden: true });
  answer = { ...found, question };
  program(found.python);
  draw();
  lookAtTasks({ ...question, answer });
}

function onRefusal(message) {
  byId("refusal").textContent = message;
  set(byId("refusal"), { hidden: false });
}

function drawControls() {
  const place = byId("classes");
  const n = state.logits.length;
  while (place.children.length > n) place.lastChild.remove();
  while (place.children.length < n) place.append(makeClass(place.children.length));
  state.logits.forEach((z, i) => {
    const [range, number, radio] = place.children[i].querySelectorAll("input");
    range.value = z;
    if (document.activeElement !== number) number.value = z;
    radio.checked = i === state.target;
  });
  byId("shift").value = state.shift;
  byId("shift-said").textContent = shown(state.shift);
  byId("temperature").value = Math.round(10 * Math.log10(state.temperature));
  byId("temperature").setAttribute("aria-valuetext", shown(state.temperature));
  byId("temperature-said").textContent = shown(state.temperature);
  set(byId("more"), { disabled: n >= MOST });
  set(byId("fewer"), { disabled: n <= FEWEST });
}

function makeClass(i) {
  const put = (value) => Number.isFinite(value) && Math.abs(value) <= 1000 && change({ logits: state.logits.with(i, value) });
  return html(
    "div",
    { class: "class", role: "group", "aria-label": `Class ${i + 1}` },
    html("b", {}, `z${i + 1}`),
    html("input", { type: "range", min: -10, max: 10, step: 0.1, "aria-label": `Logit ${i + 1}`, oninput: (e) => put(e.target.valueAsNumber) }),
    html("input", { type: "number", step: 0.1, "aria-label": `Logit ${i + 1} as a number`, oninput: (e) => put(e.target.valueAsNumber) }),
    html("span", { class: "track" }, html("i", { class: "hit" })),
    html("span", { class: "probability" }),
    html(
      "label",
      { class: "choice" },
      html("input", { type: "radio", name: "target", "aria-label": `Class ${i + 1} is the true one`, onchange: () => change({ target: i }) }),
      html("span", {}, "true"),
    ),
  );
}

function draw() {
  const n = state.logits.length;
  if (answer.probabilities.length !== n) return;
  answer.probabilities.forEach((p, i) => {
    const row = byId("classes").children[i];
    row.querySelector("i").style.setProperty("width", `${100 * p}%`);
    row.querySelector(".probability").textContent = `y${i + 1} = ${fixed(100 * p, 2)} %`.replaceAll(" ", "\u00a0");
  });
  drawJacobian();
  drawGradient();
  drawFormats();
}

function drawJacobian() {
  const focused = document.activeElement?.dataset?.cell;
  const most = Math.max(...answer.jacobian.flat().map(Math.abs)) || 1;
  byId("jacobian-head").replaceChildren(
    html("tr", {}, html("td"), answer.jacobian.map((_, j) => html("th", { scope: "col" }, `z${j + 1}`))),
  );
  byId("jacobian").replaceChildren(
    ...answer.jacobian.map((row, i) =>
      html(
        "tr",
        {},
        html("th", { scope: "row" }, `y${i + 1}`),
        row.map((value, j) => {
          const show = () => explain(i, j);
          const button = html(
            "button",
            { type: "button", "data-cell": `${i} ${j}`, "aria-label": `y${i + 1} by z${j + 1}: ${shown(value)}`, onclick: show, onfocus: show, onpointerenter: show },
            fixed(value),
          );
          const cell = html("td", { class: value >= 0 ? "up" : "down" }, button);
          cell.style.setProperty("--s", (Math.abs(value) / most).toFixed(3));
          return cell;
        }),
      ),
    ),
  );
  if (focused) byId("jacobian").querySelector(`[data-cell="${focused}"]`)?.focus();
  else byId("explained").textContent = "On the diagonal a logit raises its own probability; everywhere else it takes from the others. Each row and each column sums to 0.";
  const { passed, error } = answer.check;
  set(byId("verdict"), { class: `verdict ${passed ? "right" : "wrong"}` });
  byId("verdict").textContent = passed
    ? `\u2713 Measured as well, by moving each logit a little: the largest difference is ${shown(error, 2)}.`
    : `\u2717 What was measured differs by ${shown(error, 2)}.`;
}

/** Says how a cell comes about. */
function explain(i, j) {
  const [y, T] = [answer.probabilities, answer.question.temperature];
  const divided = T === 1 ? "" : ` / ${shown(T)}`;
  const formula = i === j ? `y${i + 1} (1 − y${i + 1})` : `y${i + 1} (0 − y${j + 1})`;
  const numbers = i === j ? `${shown(y[i])} · (1 − ${shown(y[i])})` : `${shown(y[i])} · (0 − ${shown(y[j])})`;
  byId("explained").textContent = `∂y${i + 1}/∂z${j + 1} = ${formula}${divided && " / T"} = ${numbers}${divided} = ${shown(answer.jacobian[i][j])}`;
}

function drawGradient() {
  const { target, temperature } = answer.question;
  const divided = temperature === 1 ? "" : ` / ${shown(temperature)}`;
  byId("gradient").replaceChildren(
    html("div", {}, html("dt", {}, `loss, −log y${target + 1}`), html("dd", {}, shown(answer.loss))),
    ...answer.gradient.map((g, i) => {
      const p = shown(answer.probabilities[i]);
      const difference = `${p} − ${i === target ? 1 : 0}`;
      return html("div", {}, html("dt", {}, `by z${i + 1}: ${divided ? `(${difference})${divided}` : difference}`), html("dd", {}, shown(g)));
    }),
  );
}

const listed = (values) => values.map((value) => (typeof value === "string" ? value : fixed(value))).join(", ");

function drawFormats() {
  byId("formats").replaceChildren(
    ...answer.formats.map((format) =>
      html(
        "tr",
        {},
        html("th", { scope: "row" }, format.name),
        html("td", {}, shown(format.most, 3)),
        html("td", { class: format.naive_fails ? "wrong" : "right" }, `${format.naive_fails ? "\u2717" : "\u2713"} ${listed(format.naive)}`),
        html("td", { class: "right" }, `\u2713 ${listed(format.stable)}`),
      ),
    ),
  );
  const failing = answer.formats.filter((format) => format.naive_fails).map((format) => format.name);
  const largest = shown(Math.max(...answer.z) / answer.question.temperature);
  byId("formats-say").textContent = failing.length
    ? `The largest exponent is ${largest}: as written, the formula fails in ${failing.join(" and ")}. (inf: beyond the end; nan: no number. A format of few digits also rounds the logits themselves.)`
    : `The largest exponent is ${largest}: no format has come to its end. Add something to every logit.`;
}

function listen() {
  const on = (id, kind, listener) => byId(id).addEventListener(kind, listener);
  on("shift", "input", (event) => change({ shift: event.target.valueAsNumber }));
  on("temperature", "input", (event) => change({ temperature: Number((10 ** (event.target.valueAsNumber / 10)).toPrecision(2)) }));
  on("more", "click", () => change({ logits: [...state.logits, 0] }));
  on("fewer", "click", () => change({ logits: state.logits.slice(0, -1) }));
  addEventListener("hashchange", () => change(fromAddress()));
}
