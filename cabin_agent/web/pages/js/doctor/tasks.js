// The six numbered instruments: their state, start, stop and repeat; and what the agent is told meanwhile.
import { el, fill } from "../dom.js";
import { known, t } from "../texts.js";
import { place, sentence } from "./words.js";

class Row {
  constructor(task, act) {
    this.state = el("span", { class: "task-state" });
    const number = String(task.number);
    this.button = el("button", { id: `task-${number}`, "aria-keyshortcuts": number, onclick: () => act(this.task) });
    this.name = el("span", { class: "task-name" });
    const badge = el("span", { class: "task-number", "aria-hidden": "true" }, number);
    this.node = el("li", { "data-task": task.task }, badge, el("div", {}, this.name, this.state), this.button);
  }

  update(task, done, busy) {
    this.task = task;
    this.name.textContent = task.name;
    const verb = task.running ? "stop" : done ? "repeat" : "start";
    this.button.textContent = t(`doctor.task.${verb}`);
    this.button.setAttribute("aria-label", `${t(`doctor.task.${verb}`)} ${task.number} ${task.name}`);
    this.button.disabled = !task.running && (!task.usable || busy);
    this.button.classList.toggle("danger", task.running);
    this.node.dataset.state = task.running ? "running" : task.usable ? "usable" : "away";
    this.state.textContent = this.#words();
  }

  #words() {
    const { running, state, reason, usable } = this.task;
    if (running) return t("doctor.task.running");
    const words = known(`doctor.link.${state}`) ?? state;
    return !usable && reason ? `${words} · ${reason}` : words;
  }
}

export class Tasks {
  #rows = new Map();

  constructor(ask) {
    this.ask = ask;
  }

  /** The view of the core: tasks, what is done, and what the agent reads. */
  update({ tasks, visit }) {
    const busy = tasks.some((task) => task.running);
    const done = new Set((visit.plan ?? []).filter((row) => row.state === "done").map((row) => row.task));
    for (const task of tasks) {
      if (!this.#rows.has(task.task)) this.#rows.set(task.task, new Row(task, (now) => this.#act(now)));
      this.#rows.get(task.task).update(task, done.has(task.task), busy);
    }
    const nodes = tasks.map((task) => this.#rows.get(task.task).node);
    if (nodes.some((node, n) => place("tasks").children[n] !== node)) fill(place("tasks"), nodes);
    this.#told(visit);
  }

  /** The words that the agent's screen shows now. */
  #told(visit) {
    const { message = null, waiting_to_sit: sitting = false } = visit.consultation ?? {};
    const words = [
      visit.prompt?.text,
      visit.running?.length ? visit.doing : null,
      ...(visit.messages ?? []).flatMap(({ text, cure }) => [text, cure]),
      sitting ? t("doctor.told.sit") : null,
      message ? t("doctor.told.yours", { words: message }) : null,
    ].filter(Boolean);
    const said = words.join(" · ");
    if (place("told-said").textContent !== said) place("told-said").textContent = said;
  }

  async #act({ task, running }) {
    place("tasks-said").textContent = "";
    try {
      await this.ask("core", running ? "stop" : "start", { task });
    } catch (problem) {
      place("tasks-said").textContent = sentence(problem);
    }
  }
}
