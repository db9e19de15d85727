// "Copy as Python": shows the program of a room's state, and puts it on the clipboard.

import { byId, html } from "./elements.js";

/** Fills the section with the id "python"; returns a function that takes each new program. */
export function showProgram() {
  const code = html("code");
  const said = html("span", { role: "status", class: "note" });
  const button = html("button", { type: "button", onclick: copy }, "Copy as Python");
  byId("python").append(
    html("p", {}, "The same numbers, from a program that you can keep and change."),
    html("p", { class: "buttons" }, button, said),
    html(
      "details",
      {},
      html("summary", {}, "Show the program"),
      html("pre", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The program" }, code),
    ),
  );

  async function copy() {
    try {
      await navigator.clipboard.writeText(code.textContent);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "This browser does not allow it: show the program, and copy it by hand.";
    }
  }

  return (program) => {
    code.textContent = program;
    said.textContent = "";
  };
}
