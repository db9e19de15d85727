// Asks the engine behind the page. A page asks much faster than it can be answered while something is dragged:
// one question is under way at a time, and of those that come meanwhile the newest alone is asked.

/** Asks once; throws the engine's own words where it refuses. */
export async function ask(path, question) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(question),
    });
  } catch {
    throw new Error("treadle lab does not answer: is it still running in its terminal?");
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

/** Asks one path's questions, the newest first, and hands on each answer with its question. */
export class Engine {
  constructor(path, onAnswer, onRefusal) {
    Object.assign(this, { path, onAnswer, onRefusal, waiting: null, busy: false });
  }

  async ask(question) {
    this.waiting = question;
    if (this.busy) return;
    this.busy = true;
    while (this.waiting !== null) {
      const asked = this.waiting;
      this.waiting = null;
      try {
        this.onAnswer(await ask(this.path, asked), asked);
      } catch (error) {
        this.onRefusal(error.message);
      }
    }
    this.busy = false;
  }
}
