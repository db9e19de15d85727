// The steps through the equations, forwards and backwards, and what each says of its numbers.
//
// Layers count from 1 as in the equations; the engine's lists count from 0.

import { shown } from "/parts/numbers.js";

/** All steps of a network of L layers: the number of an equation, and the layer. */
export function stepsOf(L) {
  const forward = Array.from({ length: L }, (_, i) => [{ equation: 1, layer: i + 1 }, { equation: 2, layer: i + 1 }]);
  const backward = Array.from({ length: L }, (_, i) => {
    const layer = L - i;
    const below = layer > 1 ? [{ equation: 6, layer: layer - 1 }] : [];
    return [{ equation: 7, layer }, { equation: 8, layer }, ...below];
  });
  return [...forward.flat(), { equation: 4, layer: L }, { equation: 5, layer: L }, ...backward.flat()];
}

const sub = (letter, index) => `<i>${letter}</i><sub>${index}</sub>`;
const bold = (number) => (number < 0 ? `(${shown(number)})` : shown(number));
const sum = (terms) => terms.join(" + ") || "0";

/** What a step shows: title, equation, meaning, the matrices that go in, the one that comes out, and a cell in words. */
export function describe({ equation, layer }, answer, { activation, l2, labels }) {
  const L = answer.weights.length;
  const l = layer - 1;
  const inputsOf = (k) => (k === 0 ? answer.inputs : answer.h[k - 1]);
  const below = inputsOf(l);
  const W = answer.weights[l];
  const last = layer === L;
  const N = answer.inputs.length;
  const f = last ? "identity" : activation;
  const matrix = (name, values, more = {}) => ({ name, values, ...more });
  const aName = l === 0 ? "X" : `a${l}`;
  switch (equation) {
    case 1:
      return {
        title: `Forward, layer ${layer}: the sums`,
        equation: `${sub("z", layer)} = ${sub("a", l)} ${sub("W", layer)} + ${sub("b", layer)}`,
        meaning: `Each unit adds up what comes in, times its weights, plus its bias.${l === 0 ? " What comes in are the rows of X." : ""} The numbers in boxes can be changed.`,
        inputs: [
          matrix(aName, below, l === 0 ? { edit: ["X"] } : {}),
          matrix(`W${layer}`, W, { edit: ["weights", l] }),
          matrix(`b${layer}`, [answer.biases[l]], { edit: ["biases", l] }),
        ],
        output: matrix(`z${layer}`, answer.z[l]),
        cell: (n, j) =>
          `${sum(below[n].map((a, i) => `${bold(a)} · ${bold(W[i][j])}`))} + ${bold(answer.biases[l][j])} = ${shown(answer.z[l][n][j])}`,
      };
    case 2:
      return {
        title: `Forward, layer ${layer}: the activation`,
        equation: `${sub("h", layer)} = ${last ? "" : "<i>f</i>("}${sub("z", layer)}${last ? "" : ")"}`,
        meaning: last
          ? "The last layer has none: its sums are the logits, one for each class, of which the softmax makes probabilities p."
          : `Each sum goes through ${f}. (Equation 3, a = h, is for dropout, which is not used here.)`,
        inputs: [matrix(`z${layer}`, answer.z[l])],
        output: matrix(`h${layer}`, answer.h[l]),
        cell: (n, j) => (last ? `${shown(answer.h[l][n][j])}` : `${f}(${shown(answer.z[l][n][j])}) = ${shown(answer.h[l][n][j])}`),
      };
    case 4:
      return {
        title: "The loss: how wrong is it?",
        equation: `<i>J</i> = mean of −log <i>p</i><sub>label</sub>${l2 > 0 ? " + λ/2 · sum of squared weights" : ""}`,
        meaning: `The softmax of the logits gives a probability for each class. A row costs −log of the one that its true class got: nothing where that is 1.${l2 > 0 ? ` The penalty adds ${shown(answer.penalty)}.` : ""} In all J = ${shown(answer.loss, 6)}.`,
        inputs: [matrix(`h${L}`, answer.h[L - 1]), matrix("p", answer.probabilities), matrix("class", labels.map((k) => [k]), { edit: ["labels"] })],
        output: matrix("cost", answer.row_losses.map((value) => [value])),
        cell: (n) => `−log ${shown(answer.probabilities[n][labels[n]])} = ${shown(answer.row_losses[n])}`,
      };
    case 5:
      return {
        title: "Backward: what the logits did",
        equation: `${sub("d", L)} = (<i>p</i> − <i>t</i>) / <i>N</i>`,
        meaning: `How the loss changes with each logit: the probability given, less what it should have been (t is 1 for the true class). N is the number of rows, ${N}.`,
        inputs: [matrix("p", answer.probabilities), matrix("t", answer.targets)],
        output: matrix(`d${L}`, answer.d[L - 1]),
        cell: (n, j) => `(${shown(answer.probabilities[n][j])} − ${shown(answer.targets[n][j])}) / ${N} = ${shown(answer.d[L - 1][n][j])}`,
      };
    case 6: {
      const above = answer.d[l + 1];
      const W_above = answer.weights[l + 1];
      return {
        title: `Backward, layer ${layer}: the blame goes down`,
        equation: `${sub("d", layer)} = (${sub("d", layer + 1)} ${sub("W", layer + 1)}<sup>T</sup>) · <i>f</i>′(${sub("z", layer)})`,
        meaning: "Each unit gets its share of what the units above it did, along the same weights, times how much its activation reacts: its slope f′.",
        inputs: [matrix(`d${layer + 1}`, above), matrix(`W${layer + 1}`, W_above), matrix(`f′(z${layer})`, answer.slopes[l])],
        output: matrix(`d${layer}`, answer.d[l]),
        cell: (n, i) =>
          `(${sum(above[n].map((d, j) => `${bold(d)} · ${bold(W_above[i][j])}`))}) · ${bold(answer.slopes[l][n][i])} = ${shown(answer.d[l][n][i])}`,
      };
    }
    case 7:
      return {
        title: `Backward, layer ${layer}: the gradient of the weights`,
        equation: `∂<i>J</i>/∂${sub("W", layer)} = ${sub("a", l)}<sup>T</sup> ${sub("d", layer)}${l2 > 0 ? ` + λ ${sub("W", layer)}` : ""}`,
        meaning: "A weight carries what its lower unit gave to its upper one: its gradient is that, times the upper unit’s d, summed over the rows.",
        inputs: [matrix(aName, below), matrix(`d${layer}`, answer.d[l])],
        output: matrix(`∂J/∂W${layer}`, answer.weight_gradients[l]),
        cell: (i, j) =>
          `${sum(below.map((row, n) => `${bold(row[i])} · ${bold(answer.d[l][n][j])}`))}${l2 > 0 ? ` + ${shown(l2)} · ${bold(W[i][j])}` : ""} = ${shown(answer.weight_gradients[l][i][j])}`,
      };
    default:
      return {
        title: `Backward, layer ${layer}: the gradient of the biases`,
        equation: `∂<i>J</i>/∂${sub("b", layer)} = sum over the rows of ${sub("d", layer)}`,
        meaning: "A bias adds to its unit’s sum in every row alike: its gradient is the sum of the unit’s d.",
        inputs: [matrix(`d${layer}`, answer.d[l])],
        output: matrix(`∂J/∂b${layer}`, [answer.bias_gradients[l]]),
        cell: (_, j) => `${sum(answer.d[l].map((row) => bold(row[j])))} = ${shown(answer.bias_gradients[l][j])}`,
      };
  }
}
