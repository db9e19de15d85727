// The room's sets of points. They are whole or short numbers, so that one can check them by hand.

const round = (value, decimals = 2) => Number(value.toFixed(decimals));

/** Numbers between 0 and 1, the same each time (Lehmer's generator of 1951). */
function* drawn(seed) {
  for (let state = seed; ; ) {
    state = (state * 48271) % 2147483647;
    yield state / 2147483647;
  }
}

function cloud(n) {
  const numbers = drawn(7);
  const next = () => numbers.next().value;
  return Array.from({ length: n }, () => {
    const x = round(12 * next());
    const spread = next() + next() + next() - 1.5;
    return [x, round(next() < 0.06 ? 9 * next() : 1 + 0.4 * x + (0.4 + 0.12 * x) * spread)];
  });
}

export const EXAMPLES = {
  outlier: {
    name: "nine points and an outlier",
    points: [[1, 1.4], [2, 2.1], [3, 2.2], [4, 3.1], [5, 3.4], [6, 4.2], [7, 4.3], [8, 5.2], [9, 5.4], [8.5, 9]],
    chosen: 9,
  },
  leverage: {
    name: "a point far to the side",
    points: [[1, 2], [1.5, 3.2], [2, 2.6], [2.5, 4.1], [3, 3.4], [3.5, 4.6], [4, 4.4], [16, 1]],
    chosen: 7,
  },
  segment: {
    name: "four points, many best lines",
    points: [[1, 7], [3, 3], [5, 3], [7, 7]],
    chosen: 0,
  },
  turn: {
    name: "five points, a best line that can turn",
    points: [[1, 7], [3, 3], [4, 5], [5, 3], [7, 7]],
    chosen: 2,
  },
  spread: {
    name: "two hundred points that spread out",
    points: cloud(200),
    chosen: 0,
  },
};

/** A view that holds all points, with room around them: [x from, x to, y from, y to]. */
export function viewOf(points) {
  const around = (values) => {
    const low = Math.min(...values);
    const high = Math.max(...values);
    const pad = 0.12 * (high - low) || Math.max(1, 0.1 * Math.abs(high));
    const unit = 10 ** Math.floor(Math.log10(pad));
    return [Math.floor((low - pad) / unit) * unit, Math.ceil((high + pad) / unit) * unit].map((value) =>
      Number(value.toPrecision(12)),
    );
  };
  return [...around(points.map(([x]) => x)), ...around(points.map(([, y]) => y))];
}

/** Points of a pasted text; throws words about the first line that is none. */
export function readPoints(text) {
  const points = [];
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === "") return;
    const parts = line.trim().split(/\s*[;,\t]\s*|\s+/);
    const numbers = parts.map(Number);
    if (parts.length === 2 && numbers.every(Number.isFinite)) points.push(numbers);
    else if (i > 0 || parts.length !== 2) {
      // the first line may hold the names of the columns
      throw new Error(`Line ${i + 1} is not two numbers: ${line.trim().slice(0, 40)}`);
    }
  });
  if (points.length < 2) throw new Error("A line goes through two points at least: paste more.");
  if (points.length > 500) throw new Error(`This page takes 500 points; these are ${points.length}.`);
  if (points.flat().some((value) => Math.abs(value) > 1e9)) throw new Error("The numbers may be up to 1e9.");
  return points;
}
