// Still pictures: announced by an event, then in pieces on the channel `ctl`; shown in a strip with side and site.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { clock, place, sentence } from "./words.js";

const SITES = ["ear", "eye", "throat", "skin", "other"];
const SIDES = ["left", "right", "none"];
const HEAD = 8; // "ST", u16 number, u32 offset

/** Puts pieces together; `done(about, blob)` for each picture that is whole. */
export class Pieces {
  #open = new Map();

  constructor(done) {
    this.done = done;
  }

  announce(about) {
    this.#open.set(about.number, { about, bytes: new Uint8Array(about.bytes), left: about.bytes });
  }

  /** One binary message; false where it is none of a picture that was announced. */
  piece(buffer) {
    const view = new DataView(buffer);
    if (view.byteLength <= HEAD || view.getUint16(0) !== 0x5354) return false;
    const picture = this.#open.get(view.getUint16(2, true));
    const offset = view.getUint32(4, true);
    const part = new Uint8Array(buffer, HEAD);
    if (!picture || offset + part.length > picture.bytes.length) return false;
    picture.bytes.set(part, offset);
    picture.left -= part.length;
    if (picture.left > 0) return true;
    this.#open.delete(picture.about.number);
    this.done(picture.about, new Blob([picture.bytes], { type: "image/jpeg" }));
    return true;
  }

  forget() {
    this.#open.clear();
  }
}

/** The form that asks for a picture, and the strip. `ask(to, do, fields)` speaks to the cabin. */
export class Stills {
  #addresses = [];
  #shown = new Map(); // UTC millisecond at which a picture was taken -> its line

  constructor(ask) {
    this.ask = ask;
    this.pieces = new Pieces((about, blob) => this.#add(about, blob));
    place("still-site").onchange = place("still-side").onchange = () => this.#offer();
    place("still").onsubmit = (event) => {
      event.preventDefault();
      this.take();
    };
    this.words();
  }

  /** The choices in the present language; nothing is chosen beforehand. */
  words() {
    for (const [id, codes] of [["still-site", SITES], ["still-side", SIDES]]) {
      const chosen = place(id).value;
      const none = el("option", { value: "" }, t("doctor.still.choose"));
      const option = (code) => el("option", { value: code }, t(`doctor.${id.slice(6)}.${code}`));
      place(id).replaceChildren(none, ...codes.map(option));
      place(id).value = chosen;
    }
    this.#offer();
  }

  /** Take a picture at the camera's full size. */
  async take() {
    const [site, side] = [place("still-site").value, place("still-side").value];
    if (!site || !side) {
      place("still-said").textContent = t("doctor.still.missing");
      return place(site ? "still-side" : "still-site").focus();
    }
    place("still-said").textContent = t("doctor.still.taking");
    try {
      await this.ask("media", "still", { site, side });
      this.#unchoose(); // the next picture is of another place until somebody says so
    } catch (problem) {
      place("still-said").textContent = sentence(problem);
    }
  }

  /** The pictures that the record will hold, as the core says; one that was not seen here stands as words. */
  kept(stills) {
    for (const each of stills) {
      if (!this.#shown.has(each.at_ms)) this.#line(each.at_ms, el("span", {}, this.#where(each)));
      const line = this.#shown.get(each.at_ms);
      if (!line.querySelector(".kept")) line.append(el("span", { class: "kept" }, t("doctor.still.kept")));
    }
  }

  /** Forget every picture of this consultation. */
  forget() {
    this.pieces.forget();
    this.#addresses.forEach((address) => URL.revokeObjectURL(address));
    this.#addresses = [];
    this.#shown.clear();
    place("stills").replaceChildren();
    place("picture-large").removeAttribute("src");
    place("picture-large").alt = "";
    this.#unchoose();
  }

  #unchoose() {
    for (const id of ["still-site", "still-side"]) place(id).value = "";
    place("still-take").disabled = true;
  }

  #offer() {
    const chosen = Boolean(place("still-site").value && place("still-side").value);
    place("still-take").disabled = !chosen;
    if (chosen) place("still-said").textContent = "";
  }

  #add(about, blob) {
    const address = URL.createObjectURL(blob);
    this.#addresses.push(address);
    const label = this.#label(about);
    const image = el("img", { src: address, alt: label });
    const name = t("doctor.still.enlarge", { label });
    const button = el("button", { "aria-label": name, onclick: () => enlarge(address, label) }, image);
    this.#line(about.taken_ms, button, el("span", {}, label));
    place("still-said").textContent = t("doctor.still.taken", { label });
  }

  /** The newest stands first, whether it was known in words before or not. */
  #line(taken, ...children) {
    const line = el("li", {}, ...children);
    this.#shown.get(taken)?.remove();
    this.#shown.set(taken, line);
    place("stills").prepend(line);
  }

  #label(about) {
    const { taken_ms, width, height, simulated } = about;
    const label = t("doctor.still.label", { where: whereOf(about), time: clock(taken_ms), width, height });
    return simulated ? `${label} · ${t("simulated.short")}` : label;
  }

  #where(still) {
    return t("doctor.still.seen-before", { where: whereOf(still), time: clock(still.at_ms) });
  }
}

/** "Ear, left". */
function whereOf({ site, side }) {
  const sided = side === "none" ? [] : [t(`doctor.side.${side}`)];
  return [t(`doctor.site.${site}`), ...sided].join(", ");
}

function enlarge(address, label) {
  Object.assign(place("picture-large"), { src: address, alt: label });
  place("picture-label").textContent = label;
  place("picture-dialog").showModal();
}
