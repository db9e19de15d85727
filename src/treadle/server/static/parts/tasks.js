// Guided tasks: guess first, then do it, then see why.
//
// A task has a title, a question with answers of which one is right, set() that prepares the room, what to do,
// done(state) that says whether it is done, and why it is so.

import { byId, html } from "./elements.js";

/** Fills the section with the id "tasks"; returns a function that takes each new state of the room. */
export function showTasks(tasks) {
  const cards = tasks.map(makeCard);
  byId("tasks").append(html("ol", { class: "tasks" }, cards.map((card) => card.element)));
  return (state) => cards.forEach((card) => card.look(state));
}

function makeCard(task, number) {
  let begun = false;
  let finished = false;
  const todo = html("div", { hidden: true }, html("p", {}, task.todo));
  const end = html("div", { class: "end", role: "status" });
  const answers = task.answers.map((answer, i) =>
    html(
      "label",
      { class: "choice" },
      html("input", { type: "radio", name: `task-${number}`, value: i, onchange: () => set(true) }),
      html("span", {}, answer),
    ),
  );
  const start = html("button", { type: "button", disabled: true, onclick: begin }, "Try it");
  const hint = html("span", { class: "note" }, "Guess first.");
  const element = html(
    "li",
    {},
    html("h3", {}, task.title),
    html("fieldset", {}, html("legend", {}, task.question), answers),
    html("p", { class: "buttons" }, start, hint),
    todo,
    end,
  );

  function set(enabled) {
    start.disabled = !enabled;
    hint.textContent = "";
  }

  function begin() {
    begun = true;
    finished = false;
    end.replaceChildren();
    start.textContent = "Start again";
    todo.hidden = false;
    element.classList.remove("finished");
    task.set();
    document.querySelector("main").scrollIntoView();
  }

  function look(state) {
    if (!begun || finished || !task.done(state)) return;
    finished = true;
    element.classList.add("finished");
    const guess = Number(element.querySelector("input:checked").value);
    const right = guess === task.right;
    end.append(
      html("p", { class: right ? "right" : "wrong" }, right ? "\u2713 As you guessed." : "\u2717 Not as you guessed."),
      html("p", {}, typeof task.why === "function" ? task.why(state) : task.why),
    );
  }

  return { element, look };
}
