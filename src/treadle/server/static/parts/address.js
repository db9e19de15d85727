// Keeps a room's state in the page's address, after the #, which no server sees: a bookmark brings it back.

/** The state of the address, as text by name. */
export function readAddress() {
  const state = {};
  for (const part of location.hash.slice(1).split("&")) {
    const [name, value] = part.split("=");
    try {
      if (value !== undefined) state[name] = decodeURIComponent(value);
    } catch {
      // a spoiled address: what can be read of it is taken
    }
  }
  return state;
}

let timer = 0;

/** Writes it, a moment later: browsers allow it a few times a second. */
export function writeAddress(state) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const parts = Object.entries(state)
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) => `${name}=${encodeURIComponent(value).replace(/%2C/g, ",").replace(/%3B/g, ";")}`);
    history.replaceState(null, "", parts.length ? `#${parts.join("&")}` : location.pathname);
  }, 150);
}

/** Numbers of a text such as 1,2,3; null if one is none. */
export function readNumbers(text) {
  const numbers = (text ?? "").split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  return numbers.every(Number.isFinite) ? numbers : null;
}

/** Rows of numbers of a text such as 1,2;3,4; null if one is none. */
export function readRows(text) {
  const rows = (text ?? "").split(";").map(readNumbers);
  return rows.every((row) => row !== null) ? rows : null;
}
