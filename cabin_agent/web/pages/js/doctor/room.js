// The call: what comes over the link goes to its part of the screen, and the screen says what the link does.
import { Problem } from "../api.js";
import { el, fill } from "../dom.js";
import { Playout } from "../playout.js";
import { number, t } from "../texts.js";
import { Link } from "./link.js";
import { Numbers } from "./numbers.js";
import { Outcomes } from "./outcomes.js";
import { Picture } from "./picture.js";
import { Sound } from "./sound.js";
import { Stills } from "./stills.js";
import { Tasks } from "./tasks.js";
import { Waves } from "./waves.js";
import { clock, place, sentence } from "./words.js";

const EMPTIED = [
  ...["outcomes", "outcomes-left", "notes", "tasks", "tasks-said", "tiles", "cameras", "end-open-values"],
  ...["told-said", "picture-label", "quality", "link", "still-said"],
]; // what held something of the consultation
const LOOK_MS = 250;
const VIEW_MS = 5000; // the view is asked for at least so often, and after every change

export class Room {
  #viewing = false;
  #stale = false;
  #viewed = 0;
  #core = true;

  /** `on.over(problem)`: ended here (null), or the core refuses to go on; `on.simulated(bool)`. */
  constructor(api, lobby, on) {
    Object.assign(this, { api, on });
    this.playout = new Playout();
    const ask = (...asked) => this.link.ask(...asked);
    this.numbers = new Numbers(place("tiles"), (index) => this.outcomes.show(index));
    this.outcomes = new Outcomes(ask);
    this.tasks = new Tasks(ask);
    this.stills = new Stills(ask);
    this.waves = new Waves(this.playout);
    this.picture = new Picture(this.playout, ask);
    this.sound = new Sound(ask, lobby.microphone, lobby.headphones.verdict);
    this.link = new Link(api, lobby.microphone, this.#heard());
    this.#forms();
    this.look = setInterval(() => this.#look(), LOOK_MS);
  }

  enter() {
    return this.link.open();
  }

  /** Everything in the present language. */
  words() {
    for (const part of [this.stills, this.waves]) part.words();
    this.sound.draw();
    this.numbers.draw();
    this.#state(this.link.state);
    this.link.renew();
  }

  /** Leave: nothing of the consultation stays in the page. `over`: it is over at the core, too. */
  leave(over = false) {
    clearInterval(this.look);
    this.link.close(over);
    for (const part of [this.picture, this.waves, this.sound]) part.close();
    this.stills.forget();
    this.outcomes.strip.forget();
    for (const id of EMPTIED) place(id).replaceChildren();
    for (const id of ["say-text", "note-text"]) place(id).value = "";
    for (const id of ["end", "picture-dialog"]) place(id).close();
    place("alert").hidden = true;
    this.#notice(null);
  }

  /** Ask the core how things stand; questions that come meanwhile become one more. */
  async refresh() {
    this.#stale = true;
    if (this.#viewing) return;
    this.#viewing = true;
    while (this.#stale && this.link.state === "up") {
      this.#stale = false;
      this.#viewed = performance.now();
      await this.link.ask("core", "view").then(
        ({ view }) => this.#show(view),
        () => {},
      );
    }
    this.#viewing = false;
  }

  /** Ask whether to end, with the values that nobody has looked at and the note that is not added yet. */
  askEnd() {
    const open = this.outcomes.open;
    const words = open.length ? t("doctor.end.open", { count: open.length }) : t("doctor.end.none-open");
    const unsent = place("note-text").value.trim();
    fill(
      place("end-open-values"),
      el("p", { class: open.length ? "note warn" : "note ok" }, words),
      open.length > 0 && el("ul", {}, open.map((each) => el("li", {}, each.text))),
      unsent && el("p", { class: "note warn" }, t("doctor.end.unsent", { words: unsent })),
    );
    place("end").showModal();
  }

  #heard() {
    const { picture, waves, sound, stills } = this;
    return {
      state: (state, problem) => this.#state(state, problem),
      event: (message) => this.#event(message),
      wave: (buffer) => waves.frame(buffer),
      still: (buffer) => stills.pieces.piece(buffer),
      video: (stream) => picture.stream(stream),
      voice: (stream) => sound.voice(stream),
      stethoscope: (stream) => sound.stethoscope(stream),
    };
  }

  #event(message) {
    const { picture, waves, sound, stills, numbers } = this;
    const parts = {
      clock: () => picture.clock(message),
      media: () => (picture.cameras(message), sound.cards(message.sound)),
      core: () => this.#coreIs(message.up),
      quality: () => this.#quality(message),
      still: () => stills.pieces.announce(message),
      reading: () => numbers.reading(message),
      wave: () => waves.event(message),
      "wave-clock": () => waves.event(message),
      dropped: () => (waves.event(message), this.refresh()),
      changed: () => this.refresh(),
      instrument: () => this.refresh(),
      nurse: () => this.#notice(t("doctor.nurse")),
      problem: () => this.#notice(sentence(new Problem(message.code, message.text, 0))),
    };
    parts[message.event]?.();
  }

  #show(view) {
    this.on.simulated(view.simulated);
    this.waves.sweep.mark(view.simulated);
    place("title").textContent = t("doctor.title.in", { cabin: view.cabin });
    this.tasks.update(view);
    this.outcomes.update(view.outcomes);
    this.stills.kept(view.stills);
    this.numbers.outcomes(view.outcomes);
    const notes = view.notes.map((note) => el("li", {}, el("time", {}, clock(note.at_ms)), ` ${note.text}`));
    if (place("notes").children.length !== notes.length) fill(place("notes"), notes.reverse());
  }

  #state(state, problem = null) {
    place("call").dataset.link = state;
    place("link").dataset.state = state;
    place("link").textContent = t(`doctor.link-state.${state}`);
    if (state === "over") return this.on.over(problem);
    if (state === "up") this.#up();
    else if (state === "lost" || state === "silent") this.#lost(problem);
  }

  #up() {
    this.#alert(this.#core ? null : t("doctor.core-away"));
    this.sound.again();
    this.refresh();
  }

  /** Say at once that nothing live is shown any more, and that the cabin goes on. */
  #lost(problem) {
    this.numbers.forget();
    this.stills.pieces.forget();
    place("quality").textContent = "";
    this.#alert([t("doctor.lost"), problem ? sentence(problem) : ""].filter(Boolean).join(" "));
  }

  #coreIs(up) {
    this.#core = up;
    this.#alert(up ? null : t("doctor.core-away"));
    if (up) this.refresh();
    else this.numbers.forget();
  }

  /** Something that happened once; it stands until it was read. */
  #notice(text) {
    place("notice-said").textContent = text ?? "";
    place("notice").hidden = !text;
  }

  /** What is the matter now; the same words are not said twice. */
  #alert(text) {
    if (place("alert").textContent !== (text ?? "")) place("alert").textContent = text ?? "";
    place("alert").hidden = !text;
  }

  /** Once a second: what arrives here by the browser's count, and what media knows of the way. */
  async #quality({ kbps: sent, fps: made, rtt_ms: rtt, loss }) {
    const { fps, kbps } = (await this.link.received().catch(() => null)) ?? { fps: made, kbps: sent };
    if (this.link.state !== "up") return;
    const part = (name, value, places) => t(`doctor.quality.${name}`, { value: number(value, places) });
    const words = [
      part("fps", fps, 0),
      part("mbit", kbps / 1000, 1),
      typeof rtt === "number" && part("rtt", rtt, 0),
      loss > 0 && part("loss", loss * 100, 1),
    ];
    place("quality").textContent = words.filter(Boolean).join(" · ");
  }

  #look() {
    const up = this.link.state === "up";
    this.picture.watch(up);
    this.numbers.draw();
    this.waves.draw(this.numbers.words());
    if (up && performance.now() - this.#viewed > VIEW_MS) this.refresh();
  }

  #forms() {
    const send = (form, field, what, said, mayBeEmpty = false) => {
      place(form).onsubmit = async (event) => {
        event.preventDefault();
        const text = place(field).value.trim();
        if (!text && !mayBeEmpty) return;
        try {
          await this.link.ask("core", what, { text });
          place(field).value = "";
        } catch (problem) {
          place(said).textContent = sentence(problem);
        }
      };
    };
    send("say", "say-text", "say", "tasks-said", true); // nothing takes the last words off the agent's screen
    send("note", "note-text", "note", "tasks-said");
    place("end-no").onclick = () => place("end").close();
    place("end-yes").onclick = () => this.#end();
    place("notice-read").onclick = () => this.#notice(null);
  }

  /** End it for both, over the call or past it: what was typed as a note goes first, if there is a way for it. */
  async #end() {
    const text = place("note-text").value.trim();
    try {
      if (this.link.state !== "up") await this.api.post("/consultation/end");
      else {
        if (text) await this.link.ask("core", "note", { text });
        place("note-text").value = "";
        await this.link.ask("core", "end");
      }
    } catch (problem) {
      fill(place("end-open-values"), el("p", { class: "note danger" }, sentence(problem)));
      return;
    }
    this.on.over(null);
  }
}
