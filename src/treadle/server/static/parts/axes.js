// Scales and ticks of a chart, as the report's charts have them: round numbers at equal distances.

const FACTORS = [1, 2, 2.5, 5];

/** Round numbers from low to high, at most so many. */
export function ticks(low, high, most) {
  const magnitude = Math.floor(Math.log10((high - low) / most));
  for (const power of [magnitude, magnitude + 1]) {
    for (const factor of FACTORS) {
      const step = factor * 10 ** power;
      const first = Math.ceil(low / step - 1e-9);
      const last = Math.floor(high / step + 1e-9);
      if (last - first < most) {
        return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
      }
    }
  }
  return [];
}

/** A linear map from [low, high] to [from, to], with its inverse. */
export function scale(low, high, from, to) {
  const at = (value) => from + ((value - low) / (high - low)) * (to - from);
  at.inverse = (place) => low + ((place - from) / (to - from)) * (high - low);
  return at;
}

/** How many pixels a picture's unit takes: pictures grow with the page's type. */
export const unitOf = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
