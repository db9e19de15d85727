// The picture: points to drag, lines, the region of all best lines, and a person's own line.
//
// Points and handles are sliders to a screen reader: one tab stop for all points, arrow keys to move.

import { scale, ticks, unitOf } from "/parts/axes.js";
import { set, svg } from "/parts/elements.js";
import { shown } from "/parts/numbers.js";

const LEFT = 52;
const RIGHT = 14;
const TOP = 12;
const BOTTOM = 34;
const ROOM_OF_A_NUMBER = 40; // pixels of width for each point: with less, u is written at the chosen one alone

const SHAPES = { up: "M0 -7L6.5 5H-6.5Z", down: "M0 7L6.5 -5H-6.5Z", on: "M5.5 0A5.5 5.5 0 1 1 -5.5 0A5.5 5.5 0 1 1 5.5 0" };

export class Plot {
  /** on has choose(i), move(i, x, y), add(x, y), remove(i) and own(left, right). */
  constructor(place, on) {
    this.place = place;
    this.on = on;
    this.layers = Object.fromEntries(
      ["frame", "region", "distances", "lines", "points", "own"].map((name) => [name, svg("g", { class: name })]),
    );
    this.clip = svg("rect", { x: LEFT, y: TOP });
    this.svg = svg(
      "svg",
      { role: "group", "aria-label": "Points and lines", "aria-describedby": "help", ondblclick: (e) => this.#add(e) },
      svg("defs", {}, svg("clipPath", { id: "inside" }, this.clip)),
      Object.values(this.layers),
    );
    for (const name of ["region", "distances", "lines"]) set(this.layers[name], { "clip-path": "url(#inside)" });
    this.handles = ["left", "right"].map((side) => this.#makeHandle(side));
    this.layers.own.append(...this.handles);
    place.append(this.svg);
    new ResizeObserver(() => this.model && this.draw(this.model)).observe(place);
  }

  /** Draws a model: points, view, chosen, u, box, residuals, lines, region, own. */
  draw(model) {
    this.model = model;
    const unit = unitOf();
    const width = Math.max(280, this.place.clientWidth / unit);
    const height = Math.max(260, Math.min(0.62 * width, (0.68 * innerHeight) / unit));
    this.manyNumbers = model.points.length * ROOM_OF_A_NUMBER <= width;
    const [x0, x1, y0, y1] = model.view;
    set(this.svg, { viewBox: `0 0 ${width} ${height}` });
    this.bounds = { right: width - RIGHT, bottom: height - BOTTOM };
    set(this.clip, { width: this.bounds.right - LEFT, height: this.bounds.bottom - TOP });
    this.x = scale(x0, x1, LEFT, this.bounds.right);
    this.y = scale(y0, y1, this.bounds.bottom, TOP);
    this.#drawFrame();
    this.#drawRegion();
    this.#drawLines();
    this.#drawDistances();
    this.#drawPoints();
    this.#drawOwn();
  }

  #drawFrame() {
    const [x0, x1, y0, y1] = this.model.view;
    const { right, bottom } = this.bounds;
    const across = ticks(x0, x1, Math.max(3, Math.floor((right - LEFT) / 70)));
    const up = ticks(y0, y1, 7);
    this.layers.frame.replaceChildren(
      ...up.flatMap((value) => [
        svg("line", { class: "grid", x1: LEFT, x2: right, y1: this.y(value), y2: this.y(value) }),
        svg("text", { class: "tick end", x: LEFT - 8, y: this.y(value) + 4 }, shown(value)),
      ]),
      ...across.map((value) => svg("text", { class: "tick middle", x: this.x(value), y: bottom + 18 }, shown(value))),
      svg("line", { class: "axis", x1: LEFT, x2: right, y1: bottom, y2: bottom }),
      svg("text", { class: "unit end", x: right, y: bottom + 31 }, "x"),
      svg("text", { class: "unit", x: 4, y: TOP + 10 }, "y"),
    );
  }

  /** The set of all best lines: at each x it reaches from the lowest to the highest of its corners. */
  #drawRegion() {
    const { region, view } = this.model;
    this.layers.region.replaceChildren();
    if (!region || region.length < 2) return;
    const [x0, x1] = view;
    const xs = Array.from({ length: 101 }, (_, i) => x0 + (i / 100) * (x1 - x0));
    const heights = xs.map((x) => region.map(([b, w]) => b + w * x));
    const top = xs.map((x, i) => `${this.x(x).toFixed(1)} ${this.y(Math.max(...heights[i])).toFixed(1)}`);
    const low = xs.map((x, i) => `${this.x(x).toFixed(1)} ${this.y(Math.min(...heights[i])).toFixed(1)}`);
    this.layers.region.append(svg("path", { d: `M${top.join("L")}L${low.reverse().join("L")}Z` }));
  }

  #drawLines() {
    this.layers.lines.replaceChildren(
      ...this.model.lines.map(({ kind, intercept, slope }) => svg("path", { class: `curve ${kind}`, d: this.#path(intercept, slope) })),
    );
  }

  #path(intercept, slope) {
    const [x0, x1] = this.model.view;
    const at = (x) => Math.max(-1e5, Math.min(1e5, this.y(intercept + slope * x)));
    return `M${this.x(x0)} ${at(x0)}L${this.x(x1)} ${at(x1)}`;
  }

  #drawDistances() {
    const { points, residuals } = this.model;
    const paths = points.map(([x, y], i) => {
      const r = residuals[i] ?? 0;
      const end = (value) => Math.max(-1e5, Math.min(1e5, this.y(value)));
      return `M${this.x(x)} ${end(y)}V${end(y - r)}`;
    });
    this.layers.distances.replaceChildren(svg("path", { d: paths.join("") }));
  }

  #drawPoints() {
    const { points, chosen, u, box } = this.model;
    const layer = this.layers.points;
    while (layer.children.length < points.length) layer.append(this.#makePoint(layer.children.length));
    while (layer.children.length > points.length) layer.lastChild.remove();
    points.forEach(([x, y], i) => {
      const node = layer.children[i];
      const [mark, number] = [node.children[1], node.children[2]];
      const away = this.#outside(x, y);
      const pull = u[i] ?? null;
      const kind = pull === null || (pull > box[0] && pull < box[1]) ? "on" : pull >= box[1] ? "up" : "down";
      const place = [this.x(x), this.y(y)];
      if (away) {
        place[0] = Math.max(LEFT, Math.min(this.bounds.right, place[0]));
        place[1] = Math.max(TOP + 8, Math.min(this.bounds.bottom - 8, place[1]));
      }
      set(node, {
        class: `point ${kind}${i === chosen ? " chosen" : ""}${away ? " away" : ""}`,
        transform: `translate(${place[0].toFixed(2)} ${place[1].toFixed(2)})`,
        tabindex: i === chosen ? 0 : -1,
        "aria-label": `Point ${i + 1}`,
        "aria-valuenow": y,
        "aria-valuetext": `x ${shown(x)}, y ${shown(y)}${pull === null ? "" : `, pull ${shown(pull, 3)}`}`,
      });
      set(mark, { d: SHAPES[kind] });
      const near = this.manyNumbers || i === chosen;
      const left = place[0] > this.bounds.right - 60;
      set(number, { x: left ? -11 : 11, y: -7, class: left ? "end" : "" });
      number.textContent = away ? `at ${shown(x)}, ${shown(y)}` : near && pull !== null ? shown(pull, 3) : "";
    });
  }

  #outside(x, y) {
    const [x0, x1, y0, y1] = this.model.view;
    return x < x0 || x > x1 || y < y0 || y > y1;
  }

  #makePoint(i) {
    return svg(
      "g",
      {
        role: "slider",
        "aria-orientation": "vertical",
        onpointerdown: (event) => this.#drag(event, i),
        onfocus: () => this.model.chosen !== i && this.on.choose(i),
        onkeydown: (event) => this.#key(event, i),
      },
      svg("circle", { class: "reach", r: 16 }),
      svg("path", { class: "mark" }),
      svg("text"),
    );
  }

  /** Where a pointer is, in the units of the points. */
  #where(event) {
    const box = this.svg.getBoundingClientRect();
    const { width, height } = this.svg.viewBox.baseVal;
    return [
      this.#snapped(this.x.inverse(((event.clientX - box.left) / box.width) * width), 0),
      this.#snapped(this.y.inverse(((event.clientY - box.top) / box.height) * height), 2),
    ];
  }

  /** Rounded to about a five-hundredth of the view, a round number. */
  #snapped(value, axis) {
    const decimals = Math.max(0, Math.min(8, 2 - Math.floor(Math.log10((this.model.view[axis + 1] - this.model.view[axis]) / 5))));
    return Number(Math.max(-1e9, Math.min(1e9, value)).toFixed(decimals));
  }

  #drag(event, i) {
    if (event.button !== 0) return;
    event.preventDefault();
    const node = this.layers.points.children[i];
    node.focus();
    this.on.choose(i);
    const [fromX, fromY] = this.#where(event);
    const [x, y] = this.model.points[i];
    this.#follow(event, node, (moved) => {
      const [toX, toY] = this.#where(moved);
      this.on.move(i, this.#snapped(x + toX - fromX, 0), this.#snapped(y + toY - fromY, 2));
    });
  }

  #follow(event, node, onMove) {
    node.setPointerCapture(event.pointerId);
    node.addEventListener("pointermove", onMove);
    const end = () => {
      node.removeEventListener("pointermove", onMove);
      node.removeEventListener("pointerup", end);
      node.removeEventListener("pointercancel", end);
    };
    node.addEventListener("pointerup", end);
    node.addEventListener("pointercancel", end);
  }

  #key(event, i) {
    const [x, y] = this.model.points[i];
    const [x0, x1, y0, y1] = this.model.view;
    const share = event.shiftKey ? 400 : 40;
    const moves = {
      ArrowLeft: [-(x1 - x0) / share, 0],
      ArrowRight: [(x1 - x0) / share, 0],
      ArrowUp: [0, (y1 - y0) / share],
      ArrowDown: [0, -(y1 - y0) / share],
    };
    const n = this.model.points.length;
    const others = { PageDown: (i + 1) % n, PageUp: (i + n - 1) % n, Home: 0, End: n - 1 };
    if (event.key in moves) {
      const [dx, dy] = moves[event.key];
      this.on.move(i, this.#snapped(x + dx, 0), this.#snapped(y + dy, 2));
    } else if (event.key in others) {
      this.on.choose(others[event.key]);
      this.layers.points.children[others[event.key]].focus();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.on.remove(i);
      this.layers.points.children[this.model.chosen].focus();
    } else return;
    event.preventDefault();
  }

  #add(event) {
    if (event.target.closest("[role=slider]")) return;
    const [x, y] = this.#where(event);
    this.on.add(x, y);
  }

  #makeHandle(side) {
    const handle = svg(
      "g",
      {
        role: "slider",
        tabindex: 0,
        class: "handle",
        "aria-orientation": "vertical",
        "aria-label": `The ${side} end of my line`,
        onpointerdown: (event) => {
          if (event.button !== 0) return;
          event.preventDefault();
          handle.focus();
          this.#follow(event, handle, (moved) => this.#setOwn(side, this.#where(moved)[1]));
        },
        onkeydown: (event) => {
          const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
          if (step === undefined) return;
          event.preventDefault();
          const [, , y0, y1] = this.model.view;
          const by = (step * (y1 - y0)) / (event.shiftKey ? 400 : 40);
          this.#setOwn(side, this.model.own[side === "left" ? 0 : 1] + by);
        },
      },
      svg("circle", { class: "reach", r: 16 }),
      svg("rect", { class: "mark", x: -7, y: -7, width: 14, height: 14 }),
    );
    return handle;
  }

  #setOwn(side, y) {
    const [left, right] = this.model.own;
    const height = this.#snapped(y, 2);
    this.on.own(side === "left" ? height : left, side === "left" ? right : height);
  }

  #drawOwn() {
    const { own, view } = this.model;
    set(this.layers.own, { display: own ? null : "none" });
    if (!own) return;
    [view[0], view[1]].forEach((x, i) => {
      const inset = i === 0 ? 9 : -9;
      set(this.handles[i], {
        transform: `translate(${this.x(x) + inset} ${Math.max(TOP, Math.min(this.bounds.bottom, this.y(own[i])))})`,
        "aria-valuenow": own[i],
        "aria-valuetext": `y ${shown(own[i])} at x ${shown(x)}`,
      });
    });
  }
}
