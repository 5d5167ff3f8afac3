// The frame of the nurse's and the technician's page: sign-in and out, simulation, a lost connection, an old build.
import { Api, Problem } from "./api.js";
import { el, fill } from "./dom.js";
import { settle } from "./settle.js";
import { sentence, signInForm, signOut } from "./signin.js";
import { Stream } from "./stream.js";
import { currentLanguage, loadTexts, t } from "./texts.js";

const SIGNED_OUT = new Set([401, 403]);
const MOVED = new Set(["changed", "instrument", "delivery", "nurse", "dropped"]); // what a page of the staff shows
const AGAIN_MS = 1000; // until what failed is asked again
const WARNING_MS = 20_000; // of the coming sign-out

const place = (id) => document.getElementById(id);

/**
 * One page. `view` is what makes it this role's: `load(api)` asks the core, `show(model, page)` gives the nodes of
 * <main>, `told(event)` hears each event of the core, `tools(page)` gives more buttons, `left()` is called when the
 * session ends. `idleMs` of nobody doing anything sign out and lead back to the kiosk.
 */
export class StaffPage {
  constructor(role, view, { idleMs = null } = {}) {
    Object.assign(this, { role, view, idleMs, api: new Api(role), model: null, stream: null, asking: null, again: false });
    this.session = 0;
    this.build = document.querySelector("meta[name=cabin-build]").content;
  }

  /** Load the texts, then ask the core; it says whether one has to sign in. */
  async start() {
    const wanted = location.hash === "#en" || (!location.hash && navigator.language.startsWith("en")) ? "en" : "fr";
    await loadTexts(wanted);
    if (this.idleMs) this.#watchIdle();
    this.#frame();
    await this.refresh();
  }

  /** Ask the core anew and draw; calls that come meanwhile become one more. */
  async refresh() {
    this.again = true;
    this.asking ??= this.#ask().finally(() => (this.asking = null));
    return this.asking;
  }

  /** Do one thing at the core, say what it refused, and look again. */
  async act(deed) {
    try {
      await deed(this.api);
      this.#say("done", null);
    } catch (problem) {
      this.#say("done", sentence(problem), "danger");
    }
    await this.refresh();
  }

  /** Tell one event of the visit. */
  tell(event, fields = {}) {
    return this.act((api) => api.post("/visit/events", { event, ...fields }));
  }

  /** Draw what is known again. */
  draw() {
    if (!this.model) return;
    const focused = document.activeElement?.id;
    place("simulated").hidden = !this.model.simulated;
    place("cabin").textContent = this.model.name ?? "";
    settle(place("main"), this.view.show(this.model, this).filter(Boolean));
    if (focused && document.activeElement?.id !== focused) place(focused)?.focus();
  }

  async leave(said = null) {
    await this.#end();
    this.#signedOut(said);
  }

  /** Back to the screen of the person who is being examined, and not before the core has closed the session. */
  async toKiosk() {
    await this.#end();
    location.replace("/kiosk/");
  }

  /** Nothing of the cabin stays on the page; the promise is kept when the core has closed the session. */
  #end() {
    this.ending ??= this.#signOut().finally(() => (this.ending = null));
    return this.ending;
  }

  async #signOut() {
    this.#forget();
    fill(place("main"), el("p", { id: "ending" }, t("staff.signing-out")));
    fill(place("tools"));
    await signOut(this.api, () => this.#say("link", t("staff.sign-out-waits"), "danger"));
  }

  async #ask() {
    while (this.again) {
      this.again = false;
      const session = this.session;
      try {
        const model = await this.view.load(this.api);
        if (session !== this.session) continue;
        this.model = model;
        this.draw();
      } catch (problem) {
        if (session !== this.session) continue;
        if (SIGNED_OUT.has(problem.status)) return this.#signedOut();
        this.#failed(problem);
        continue;
      }
      if (this.failed) this.#say("link", null);
      this.failed = false;
      this.stream ??= this.#follow();
      this.#tools();
    }
  }

  /** What was asked could not be had, or not be understood: say it, and ask again. */
  #failed(problem) {
    this.failed = true;
    const strange = !(problem instanceof Problem);
    if (strange) console.error(problem);
    this.#say("link", strange ? t("staff.problem.unknown") : sentence(problem), "danger");
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.refresh(), AGAIN_MS);
  }

  #follow() {
    return new Stream(this.role, {
      up: (hello) => this.#up(hello),
      down: (cause) => this.#down(cause),
      event: (event) => {
        this.view.told?.(event);
        if (MOVED.has(event.type)) this.refresh();
      },
    });
  }

  #up(hello) {
    this.#say("link", null);
    if (hello.build === undefined || hello.build === this.build) return this.refresh();
    if (history.state?.reloadedFor === hello.build) return this.#say("link", t("staff.old-page"), "warn");
    this.#say("link", t("staff.reloading"), "warn");
    history.replaceState({ reloadedFor: hello.build }, "");
    location.reload();
  }

  #down(cause) {
    if (cause === "forbidden") return this.#signedOut(t("staff.problem.bad-token"));
    this.#say("link", t(`staff.away.${cause}`), "danger");
  }

  /** What was known in this session, and what was still being asked in it, is nobody's any more. */
  #forget() {
    clearTimeout(this.retry);
    this.stream?.close();
    Object.assign(this, { stream: null, model: null, session: this.session + 1 });
    this.view.left?.();
    place("simulated").hidden = true;
    place("cabin").textContent = "";
    for (const which of ["done", "link", "idle"]) this.#say(which, null);
  }

  #signedOut(said = null) {
    this.#forget();
    fill(place("main"), signInForm(this.api, () => this.refresh(), said));
    this.#tools();
    place("signin-name").focus();
  }

  /** One line of the notices: "link" about the connection, "done" about the last deed, "idle". */
  #say(which, text, grade = "warn") {
    fill(place(`notice-${which}`), text && el("p", { class: `note ${grade}` }, text));
  }

  #frame() {
    document.title = `${t(`staff.${this.role}.title`)}`;
    place("title").textContent = t(`staff.${this.role}.title`);
    place("simulated").textContent = t("simulated.banner");
    this.#tools();
  }

  #tools() {
    const other = currentLanguage() === "fr" ? "en" : "fr";
    const language = el("button", { id: "tool-language", lang: other, onclick: () => this.#speak(other) }, t(`language.${other}`));
    const inside = this.model ? (this.view.tools?.(this) ?? []) : [];
    const out = this.model && el("button", { id: "tool-out", onclick: () => this.leave() }, t("staff.signout"));
    const back = el("button", { id: "tool-kiosk", onclick: () => this.toKiosk() }, t("staff.to-kiosk"));
    const focused = document.activeElement?.id;
    fill(place("tools"), language, theme("contrast", "high"), theme("text", "large"), inside, back, out);
    if (focused?.startsWith("tool-")) place(focused)?.focus();
  }

  async #speak(language) {
    await loadTexts(language);
    this.view.left?.();
    history.replaceState(history.state, "", `#${language}`);
    this.#frame();
    if (this.model) this.draw();
    else this.#signedOut();
  }

  #watchIdle() {
    const stir = () => {
      clearTimeout(this.idle);
      clearTimeout(this.warning);
      if (place("notice-idle").firstChild) this.#say("idle", null);
      this.warning = setTimeout(() => this.#say("idle", t("staff.idle", { seconds: WARNING_MS / 1000 })), this.idleMs - WARNING_MS);
      this.idle = setTimeout(() => this.toKiosk(), this.idleMs);
    };
    for (const gesture of ["pointerdown", "keydown"]) document.addEventListener(gesture, stir);
    stir();
  }
}

/** A button that turns one look of the whole page on and off. */
function theme(name, value) {
  const root = document.documentElement;
  const turn = (event) => {
    if (root.dataset[name]) delete root.dataset[name];
    else root.dataset[name] = value;
    event.currentTarget.setAttribute("aria-pressed", String(Boolean(root.dataset[name])));
  };
  const pressed = String(Boolean(root.dataset[name]));
  return el("button", { id: `tool-${name}`, "aria-pressed": pressed, onclick: turn }, t(`staff.${name}`));
}

/** A question before something that is hard to undo; true where it was confirmed. */
export function confirmed(question, yes) {
  return new Promise((settle) => {
    const dialog = el("dialog", { "aria-labelledby": "question" });
    const answer = (said) => () => {
      dialog.close();
      dialog.remove();
      settle(said);
    };
    dialog.addEventListener("cancel", answer(false));
    dialog.append(
      el("p", { id: "question" }, question),
      el(
        "div",
        { class: "row" },
        el("button", { class: "danger", id: "question-yes", onclick: answer(true) }, yes),
        el("button", { id: "question-no", autofocus: true, onclick: answer(false) }, t("staff.cancel")),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
