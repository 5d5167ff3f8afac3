// A pad of digits of our own: large keys for fingers, and the keyboard's digits work too. Nothing of it is a field
// that a browser would fill in, complete or remember.
import { el } from "./dom.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "clear", "0", "erase"];
const ANOTHER_WAY = "input, select, textarea";

export class Pad {
  /**
   * `label` names what is typed; `words`: {clear, erase, show, hide, typed (with {count})}; `most` digits at most;
   * `masked` begins with dots. `onChange(value)` after each key, `onEnter(value)` for the keyboard's Enter.
   * `element` goes into the page; `close()` takes the keyboard away from the pad.
   */
  constructor({ label, words, most = 12, masked = false, onChange = () => {}, onEnter = () => {} }) {
    Object.assign(this, { words, most, masked, onChange, onEnter, value: "" });
    this.shown = el("output", { class: "pad-shown", "aria-label": label, "aria-live": "off" });
    this.count = el("span", { class: "spoken", role: "status" });
    this.toggle = el("button", { type: "button", class: "pad-toggle", onclick: () => this.mask(!this.masked) });
    const keys = KEYS.map((key) => this.#key(key));
    this.element = el(
      "div",
      { class: "pad", role: "group", "aria-label": label },
      el("div", { class: "pad-line" }, this.shown, this.toggle, this.count),
      el("div", { class: "pad-keys" }, keys),
    );
    this.onKey = (event) => this.#typed(event);
    document.addEventListener("keydown", this.onKey);
    this.#show();
  }

  /** Forget what was typed. */
  clear() {
    this.#set("");
  }

  /** Dots, or the digits themselves. */
  mask(masked) {
    this.masked = masked;
    this.#show();
  }

  close() {
    document.removeEventListener("keydown", this.onKey);
    this.value = "";
    this.shown.replaceChildren();
  }

  press(key) {
    if (key === "clear") this.#set("");
    else if (key === "erase") this.#set(this.value.slice(0, -1));
    else if (this.value.length < this.most) this.#set(this.value + key);
  }

  #key(key) {
    const words = this.words[key] ?? key;
    const kind = key in this.words ? "pad-word" : "pad-digit";
    return el("button", { type: "button", class: kind, onclick: () => this.press(key) }, words);
  }

  #typed(event) {
    const away = !this.element.isConnected || document.querySelector("dialog[open]");
    if (away || event.target.matches?.(ANOTHER_WAY) || event.ctrlKey || event.altKey || event.metaKey) return;
    if (/^[0-9]$/.test(event.key)) this.press(event.key);
    else if (event.key === "Backspace") this.press("erase");
    else if (event.key === "Enter" && !event.target.closest?.("button")) this.onEnter(this.value);
  }

  #set(value) {
    this.value = value;
    this.#show();
    this.onChange(value);
  }

  #show() {
    this.shown.textContent = this.masked ? "●".repeat(this.value.length) : this.value;
    this.toggle.textContent = this.masked ? this.words.show : this.words.hide;
    this.count.textContent = this.words.typed.replace("{count}", this.value.length);
  }
}
