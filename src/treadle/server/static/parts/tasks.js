// Guided tasks: guess first, then do it, then see why.
//
// A task has a title, a question with answers of which one is right, set() that prepares the room, what to do,
// done(state) that says whether it is done, and why it is so.

import { byId, html } from "./elements.js";

/** Fills the section with the id "tasks"; returns a function that takes each new state of the room. */
export function showTasks(tasks) {
  // The task that is under way stands above the room, where one does it.
  const current = html("section", { id: "current-task", class: "panel", tabindex: "-1", "aria-label": "Your task", hidden: true });
  document.querySelector(".room").before(current);
  let underway = null;

  const cards = tasks.map((task, number) => makeCard(task, number, (guess, card) => begin(task, guess, card)));
  byId("tasks").append(html("ol", { class: "tasks" }, cards));

  function begin(task, guess, card) {
    const end = html("div", { class: "end", role: "status" });
    underway = { task, guess, card, end };
    card.classList.remove("finished");
    current.replaceChildren(
      html("div", { class: "head" }, html("h2", {}, task.title), html("button", { type: "button", onclick: leave }, "Leave the task")),
      html("p", {}, task.todo),
      end,
    );
    current.hidden = false;
    task.set();
    current.focus();
    current.scrollIntoView();
  }

  function leave() {
    underway = null;
    current.hidden = true;
  }

  return (state) => {
    if (underway === null || underway.end.hasChildNodes() || !underway.task.done(state)) return;
    const { task, guess, card, end } = underway;
    const right = guess === task.right;
    card.classList.add("finished");
    end.append(
      html("p", { class: right ? "right" : "wrong" }, right ? "\u2713 As you guessed." : "\u2717 Not as you guessed."),
      html("p", {}, typeof task.why === "function" ? task.why(state) : task.why),
    );
  };
}

function makeCard(task, number, begin) {
  const answers = task.answers.map((answer, i) =>
    html(
      "label",
      { class: "choice" },
      html("input", { type: "radio", name: `task-${number}`, value: i, onchange: allow }),
      html("span", {}, answer),
    ),
  );
  const hint = html("span", { class: "note" }, "Guess first.");
  const start = html("button", { type: "button", disabled: true, onclick: () => begin(guess(), card) }, "Try it");
  const card = html(
    "li",
    {},
    html("h3", {}, task.title),
    html("fieldset", {}, html("legend", {}, task.question), answers),
    html("p", { class: "buttons" }, start, hint),
  );

  function guess() {
    return Number(card.querySelector("input:checked").value);
  }

  function allow() {
    start.disabled = false;
    hint.textContent = "";
  }

  return card;
}
