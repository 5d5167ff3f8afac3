// What this screen knows: the core's view of the visit, and what the person is in the middle of. Actions meet here.
import { Problem } from "../api.js";
import { currentLanguage, loadTexts } from "../texts.js";
import { Voice } from "../voice.js";
import { draw } from "./draw.js";
import { overlayOf } from "./overlay.js";
import { SCREENS, UNPAIRED, actionOf } from "./screens.js";
import { vanish } from "./vanish.js";

const SETTLE_MS = 300; // a second touch of a double one falls on nothing
const LATER_MS = 1000; // after a question that nobody answered
const HERE_MS = 10_000; // how often a touch that changes nothing is told to the core
const NOBODYS = new Set(["ready", "cleaning", "out_of_order"]); // states without a person

export class Kiosk {
  view = null;
  local = {}; // of the present state alone: digits, answers, what is chosen
  refusal = null; // the core's last word, if it was a no
  line = null; // why the core's stream is not heard
  deaf = null; // why the core did not answer
  speed = 1; // visit seconds per real second: a demonstration's are shorter
  key = ""; // of the screen that is shown
  telling = false;
  alone = null; // kept when no session of the staff is open in this browser any more
  pressing = false; // the response button is held
  updating = null; // while a newer software serves the cabin: "text", the page is loaded anew; "again", in vain
  seenAt = 0;
  #settled = 0;
  #asked = 0;
  #shown = 0;
  #here = -Infinity;
  #said = "";

  /** `reloadedFor`: the build for which this page was loaded anew, if it was. */
  constructor(api, settings, { reloadedFor = null } = {}) {
    Object.assign(this, { api, settings, reloadedFor, build: document.querySelector("meta[name=cabin-build]").content });
    this.voice = new Voice(async (key) => {
      const answer = await api.raw(`/voice?language=${currentLanguage()}&key=${encodeURIComponent(key)}`);
      return answer.arrayBuffer();
    });
    this.voice.on = settings.voice;
  }

  /** Ask the core where the visit stands. */
  async look() {
    await this.#asking(() => this.api.get("/visit"));
  }

  /** Say one word of the visit to the core; while it answers, nothing else is said. */
  async tell(event, fields = {}) {
    if (this.telling) return;
    this.telling = true;
    this.draw();
    try {
      await this.#asking(() => this.api.post("/visit/events", { event, ...fields }));
    } finally {
      this.telling = false;
      this.draw();
    }
  }

  /** What was measured, for the results' screen alone. */
  async fetchResults() {
    try {
      const { outcomes } = await this.api.get("/visit/results");
      if (this.view?.state === "results") this.local.outcomes = outcomes;
      this.draw();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      await this.#refused(problem, this.#asked);
    }
  }

  /** The person is there: the core starts counting their silence anew. */
  async here(now = performance.now()) {
    if (!this.view || NOBODYS.has(this.view.state) || (now - this.#here < HERE_MS && !this.view.idle.warning)) return;
    this.#here = now;
    const answer = await this.api.post("/visit/events", { event: "here" }).catch(() => null);
    if (answer && this.view?.idle.warning) await this.look();
  }

  /** The response button of a hearing test went down or up; what is only heard of it never redraws the screen. */
  async press(down) {
    const { hearing } = this.view ?? {};
    if (down === this.pressing || (down && (!hearing || (hearing.stage !== "listen" && !this.settled)))) return;
    this.pressing = down;
    document.querySelector("[data-press]")?.classList.toggle("down", down);
    await this.api.post("/visit/events", { event: down ? "press" : "release" }).catch(() => null);
  }

  /** Do what a button says, unless the touch was meant for the screen before. */
  act(name, value, key) {
    const early = performance.now() < this.#settled;
    if (key !== this.key || early || this.telling || this.updating) return;
    actionOf(this.view?.state, name)(this, value);
  }

  draw() {
    if (this.leaving) return;
    const over = overlayOf(this);
    if (over?.veils) this.#veil();
    const spec = this.#spec();
    const key = `${spec.key}/${over?.key ?? ""}`;
    const changed = key !== this.key;
    this.key = key;
    if (changed) this.#settle();
    draw(this, spec, over, changed);
    this.#speak(spec, over);
  }

  /** Whoever looks at the screen now need not be the person: results are hidden and digits are dots until asked for. */
  #veil() {
    this.local.outcomes = null;
    this.local.pad?.mask(true);
  }

  /** Load the language's texts, then draw. */
  async speakIn(language) {
    if (language !== currentLanguage()) await loadTexts(language).catch(() => this.#lookLater());
    this.draw();
  }

  #spec() {
    return (this.view ? SCREENS[this.view.state] : UNPAIRED).screen(this.view, this);
  }

  #settle() {
    this.#settled = performance.now() + SETTLE_MS;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.draw(), SETTLE_MS + 1);
  }

  /** Why the core cannot be reached, or null. */
  get down() {
    return this.line ?? this.deaf;
  }

  /** Whether touches count now. */
  get settled() {
    return performance.now() >= this.#settled && !this.telling;
  }

  /** One question to the core; answers that come out of turn are older than what is shown. */
  async #asking(ask) {
    const number = ++this.#asked;
    try {
      const view = await ask();
      this.refusal = this.deaf = null;
      if (number > this.#shown) await this.#saw(view, number);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      await this.#refused(problem, number);
    }
  }

  async #refused(problem, number) {
    if (problem.status === 401 || problem.status === 403) this.deaf = "forbidden";
    else if (problem.code === "unreachable") this.#lookLater();
    else this.refusal = problem.code;
    if (problem.code === "not-now" && number === this.#asked) await this.look();
    else this.draw();
  }

  #lookLater() {
    this.deaf = "unreachable";
    clearTimeout(this.later);
    this.later = setTimeout(() => this.look(), LATER_MS);
  }

  async #saw(view, number) {
    this.#shown = number;
    if (this.leaving) return;
    if (this.#replaced(view.build)) return;
    const before = this.view?.state ?? null;
    if (before && !NOBODYS.has(before) && NOBODYS.has(view.state)) return this.#over();
    if (before !== view.state) this.#entered();
    Object.assign(this, { view, seenAt: performance.now() });
    await this.speakIn(view.language ?? currentLanguage());
  }

  #entered() {
    this.local.close?.();
    this.local = {};
  }

  /** Whether another software serves the cabin than this page is of; the page is loaded anew, once for each. */
  #replaced(build) {
    const old = Boolean(build) && build !== this.build;
    this.updating = old ? (build === this.reloadedFor ? "again" : "text") : null;
    if (!old) return false;
    this.draw();
    if (this.updating === "text") this.#loadAnew(this.settings.handedOver(build, currentLanguage(), this.voice.on));
    return true;
  }

  #loadAnew(keep) {
    this.leaving = true;
    setTimeout(() => vanish(keep), SETTLE_MS);
  }

  /** The visit is over: nothing of it stays. */
  #over() {
    this.leaving = true;
    this.view = null;
    this.#entered();
    this.voice.stop();
    vanish();
  }

  #speak(spec, over) {
    const keys = over ? over.say : [...(spec.say ?? []), ...(this.view?.messages ?? []).flatMap(told)];
    const all = keys.join(" ");
    if (all === this.#said) return;
    this.#said = all;
    this.voice.say(keys);
  }

  /** Say the screen again. */
  again() {
    this.#said = "";
    this.draw();
  }
}

/** Keys of a message's words: what is the matter and what to do. */
function told({ code, cure }) {
  return cure ? [code, code.replace(/^reason/, "cure")] : [code];
}
