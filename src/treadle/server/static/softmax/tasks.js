// The guided tasks of the room: a shift, a temperature, an overflow.

const START = { logits: [2, 1, 0.1], shift: 0, temperature: 1, target: 0 };

export function makeTasks(change) {
  let before = null;
  return [
    {
      title: "The same to all",
      question: "Every logit gets 10 more. What do the probabilities do?",
      answers: ["All grow.", "The largest grows, the others shrink.", "Nothing."],
      right: 2,
      set: () => {
        before = null;
        change(START);
      },
      todo: "Move the slider “Add … to every logit” to 10 or more, and watch the bars.",
      done: ({ shift, answer }) => {
        if (shift === 0) before = answer.probabilities;
        return before !== null && shift >= 10 && answer.probabilities.every((p, i) => Math.abs(p - before[i]) <= 1e-9);
      },
      why: "Each e to the z is multiplied by the same number, and so is their sum: it cancels. Look at the Jacobian: each of its rows sums to 0, which says the same. That is why the largest may be subtracted.",
    },
    {
      title: "Hot and cold",
      question: "The logits are divided by a small temperature, 0.1. What happens to the probabilities 66 %, 24 % and 10 %?",
      answers: ["They come closer to each other.", "The largest takes nearly everything.", "Nothing: all logits are divided alike."],
      right: 1,
      set: () => change(START),
      todo: "Move the temperature to 0.1 or less. Then make it hot.",
      done: ({ temperature, answer }) => temperature <= 0.1 && answer.probabilities[0] > 0.99,
      why: "Dividing makes the distances between logits ten times as large, and only distances count. Cold is sure of itself, hot knows nothing: at a high temperature all classes come out alike.",
    },
    {
      title: "Where numbers end",
      question: "Logits of about 100, in float32, the format that networks use. Which formula still gives probabilities?",
      answers: ["Both.", "Only the one less the largest logit.", "Neither."],
      right: 1,
      set: () => change(START),
      todo: "Move the slider “Add … to every logit” until the formula as written fails in float32. Where is that?",
      done: ({ answer }) => answer.formats[1].naive_fails,
      why: "e to the 88.7 is the end of float32: beyond, it is infinite, and infinity divided by infinity is no number (nan). float16 ends at 11 already, float64 at 709. Less the largest, no exponent is above 0.",
    },
  ];
}
