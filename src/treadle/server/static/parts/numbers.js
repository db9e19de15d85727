// Writes numbers for people: a few digits, a true minus sign.

/** A number with so many significant digits, and no zeros that say nothing. */
export function shown(value, digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "none";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text =
    size >= 1e7 || size < 1e-4
      ? value.toExponential(Math.max(0, digits - 1)).replace(/\.?0+e/, "e").replace("e+", "e")
      : String(Number(value.toPrecision(Math.max(digits, Math.ceil(Math.log10(size + 1))))));
  return text.replace(/-/g, "\u2212");
}

/** A number with so many decimals. */
export const fixed = (value, decimals = 3) => {
  const text = value.toFixed(decimals);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
};

/** A bound, rounded up to two digits. */
export function atMost(value) {
  if (value === null) return "nobody knows how much";
  if (value === 0) return "0";
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return shown(Math.ceil(value / unit) * unit, 2);
}

/** The line b + w x in words. */
export function lineText(intercept, slope, digits = 4) {
  const sign = slope < 0 ? "\u2212" : "+";
  return `y = ${shown(intercept, digits)} ${sign} ${shown(Math.abs(slope), digits)} x`;
}
