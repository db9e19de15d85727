// The guided tasks of the room: the last layer, a unit that sleeps, a secret error.

import { shown } from "/parts/numbers.js";

const START = { sizes: [2, 3, 2], activation: "tanh", l2: 0, error: null, secret: false, guess: null, step: 0, row: 0 };

const SMALL = {
  ...START,
  parameters: [0.5, -0.8, 0.3, 0.2, 0.6, -0.4, 0.7, -0.2, 0.1, 0.9, -0.5, 0.4, 0, 0.1, 0, 0.2, -0.2],
  X: [[1, 0.5]],
  labels: [0],
};

const SLEEPING = {
  ...START,
  activation: "relu",
  parameters: [0.5, -0.8, 0.3, 0.2, -0.6, 0.4, 0.7, -0.2, 0.1, 0.9, -0.5, 0.4, 0, 0.1, 0, 0.2, -0.2],
  X: [[1, 0.5]],
  labels: [1],
};

const THREE_ROWS = { ...SMALL, X: [[1, 0.5], [-0.5, 1], [0.3, -0.8]], labels: [0, 1, 0] };

const at = ({ steps, step }, equation, layer) => steps[step].equation === equation && steps[step].layer === layer;

export function makeTasks(change, plantSecret) {
  return [
    {
      title: "What the logits did",
      question: "The network gives the true class the probability 0.7. How does the loss change with that class’s logit?",
      answers: ["By 0.7: it was that sure.", "By \u22120.3: more of it would make the loss smaller.", "By 0.3: it is too large by that."],
      right: 1,
      set: () => change(SMALL),
      todo: "Go forward to equation (5), and look at the first number of d.",
      done: (state) => at(state, 5, 2),
      why: ({ answer }) =>
        `It is p \u2212 t, what was given less what was right: here ${shown(answer.probabilities[0][0], 3)} \u2212 1 = ${shown(answer.d[1][0][0], 3)}. Below 0: raise that logit, and the loss falls.`,
    },
    {
      title: "A unit that sleeps",
      question: "With relu, a unit whose sum z is below 0 gives 0. How large is the gradient of the weights that lead into it?",
      answers: ["Like that of the others.", "Small, but not 0.", "Exactly 0: it learns nothing from this row."],
      right: 2,
      set: () => change(SLEEPING),
      todo: "Go forward to equation (7) of layer 1, and look at the second column: unit 2 sleeps.",
      done: (state) => at(state, 7, 1),
      why: "The slope of relu is 0 there, so (6) gives the unit d = 0, and (7) multiplies with it. A unit that sleeps in every row never wakes up: that is why leaks such as gelu’s and silu’s are used.",
    },
    {
      title: "The detective",
      question: "Somebody forgot the slope f\u2032 in equation (6). Which gradients will the measurement find wrong?",
      answers: ["All of them.", "Those of the layers below the last.", "Those of the biases alone."],
      right: 1,
      set: () => {
        change(THREE_ROWS);
        plantSecret();
      },
      todo: "One of the equations (5) to (8) is wrong now; it may be (6) or another. Look at which arrays the measurement finds wrong, and press the equation under “Try to break it”.",
      done: ({ guess, answer }) => answer.wrong_equation !== null && guess === answer.wrong_equation.number,
      why: ({ answer }) =>
        `An error in (5) spoils everything, as everything comes after it; one in (6) spoils the layers below; one in (7) weights alone, one in (8) biases alone. The secret one was in (${answer.wrong_equation.number}): ${answer.wrong_equation.says}.`,
    },
  ];
}
