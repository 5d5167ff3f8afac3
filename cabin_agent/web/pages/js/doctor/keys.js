// Shortcuts of one key, for hands that stay on the keyboard; they can be switched off, and never act while one types.
import { el, fill } from "../dom.js";
import { t } from "../texts.js";
import { place } from "./words.js";

const TYPING = new Set(["INPUT", "TEXTAREA", "SELECT"]);

export class Keys {
  /** `deeds`: {key: [name of its words, what it does]}; "?" shows the list. */
  constructor(deeds) {
    this.deeds = deeds;
    this.listen = (event) => this.#pressed(event);
    document.addEventListener("keydown", this.listen);
    place("help-open").onclick = () => this.help();
  }

  help() {
    const row = ([key, [name]]) => [
      el("dt", {}, el("kbd", {}, t(`doctor.key.${key}`))),
      el("dd", {}, t(`doctor.keys.${name}`)),
    ];
    const rows = Object.entries(this.deeds).map(row);
    fill(place("help-keys"), rows.flat());
    place("help").showModal();
  }

  #pressed(event) {
    const typing = TYPING.has(event.target.tagName) && event.target.type !== "checkbox";
    if (event.ctrlKey || event.altKey || event.metaKey || typing || document.querySelector("dialog[open]")) return;
    if (event.key === "?") return this.help();
    const deed = place("help-on").checked && this.deeds[event.key];
    if (!deed || place("call").hidden) return;
    event.preventDefault();
    deed[1]();
  }
}
