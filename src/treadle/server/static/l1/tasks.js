// The guided tasks of the room: an outlier, a point far to the side, many best lines.

const SAME = 1e-9;

export function makeTasks(change, exampleState) {
  let before = null;
  return [
    {
      title: "To the sky",
      question: "The highest of ten points goes up, a million high. What will the blue L1 line do?",
      answers: ["It will follow, a little.", "It will follow, all the way.", "It will not move at all."],
      right: 2,
      set: () => {
        before = null;
        change(exampleState("outlier"));
      },
      todo: "The highest point is chosen. Press “To the sky” in its panel, or drag it up. Watch both lines, and the pull u beside the point.",
      done: ({ points, answer }) => {
        const line = answer.lines[0];
        if (answer.question.points !== points) return false;
        if (before === null && points[9][1] === 9) before = [line.intercept, line.slope];
        return before !== null && points[9][1] >= 100 && line.intercept === before[0] && line.slope === before[1];
      },
      why: "It pulls with u = 1 whether it is a little above the line or a million. Nothing in the three sums changes but the last, so the same line stays the best, to the last digit. Least squares pulls with the distance itself: its line is gone.",
    },
    {
      title: "Far to the side",
      question: "Seven points, and one far to the right of them. Drag that one down. Will the L1 line resist, as it did the sky?",
      answers: ["Yes: the others are seven to one.", "No: it will follow that point."],
      right: 1,
      set: () => {
        before = null;
        change(exampleState("leverage"));
      },
      todo: "Move the point at the right side, number 8, up or down by 2 or more.",
      done: ({ points, answer }) => {
        if (answer.question.points !== points || points.length !== 8) return false;
        return Math.abs(points[7][1] - 1) >= 2 && answer.pulls.on_the_line.includes(7);
      },
      why: "The line goes through it, and follows. A pull counts as u times x in the second sum: at x = 16 it takes a small u to hold all the others. The L1 line is safe from a wild y, not from a wild x.",
    },
    {
      title: "More than one",
      question: "Four points, at the corners of a cup. How many lines have the least sum of distances?",
      answers: ["One.", "Two.", "Infinitely many."],
      right: 2,
      set: () => change({ ...exampleState("segment"), leastSquares: false, own: [6.5, 1.5] }),
      todo: "Your own line is on the picture, with a square at either end. Move its ends until its sum is 8, the least, without laying it onto the blue line.",
      done: ({ own, answer }) =>
        own !== null &&
        answer.own !== null &&
        answer.question.points.length === 4 &&
        answer.lines[0].unique === false &&
        !answer.own.proved &&
        Math.abs(answer.own.above_the_least) <= SAME,
      why: "As long as two points stay above your line and two below, what it loses to one it wins from another. The shaded region holds all the best lines. treadle’s certificate knows: it says that other lines are exactly as good.",
    },
  ];
}
