// The waves of the call: which leads, frozen or live, how large a millimetre is, and what a screen reader hears.
import { el } from "../dom.js";
import { decodeFrame } from "../frames.js";
import { TWELVE } from "../samples.js";
import { Sweep } from "../sweep.js";
import { number, t } from "../texts.js";
import { place } from "./words.js";

const CHOICES = { 1: ["II"], 3: ["I", "II", "III"], limbs: TWELVE.slice(0, 6), chest: TWELVE.slice(6), 12: TWELVE };
const GAINS = { 0.5: 5, 1: 10, 2: 20 }; // factor -> mm/mV
const CARD_MM = 85.6; // ISO/IEC 7810 ID-1
const NOMINAL_CARD_PX = (CARD_MM * 96) / 25.4;
const TWO_COLUMNS = 5; // lanes from which two columns are made

export class Waves {
  #lost = 0;
  #mm = null; // CSS pixels of a true millimetre, and the pixel ratio for which that was true
  #ratio = null;

  constructor(playout) {
    this.sweep = new Sweep(place("waves"), { words: {}, grid: true, playout });
    this.leads = ["II"];
    place("leads").onchange = ({ target }) => this.choose(CHOICES[target.value] ?? this.leads);
    place("leads-open").onclick = () => place("leads-dialog").showModal();
    place("gain").onchange = ({ target }) => this.#scale(Number(target.value));
    place("freeze").onclick = () => this.freeze();
    place("back").oninput = ({ target }) => this.#back(Number(target.value));
    place("calibrate-open").onclick = () => this.#calibrate();
    place("card-width").oninput = ({ target }) => this.#card(Number(target.value));
    place("calibrate-yes").onclick = () => this.#calibrated(Number(place("card-width").value) / CARD_MM);
    place("calibrate-no").onclick = () => this.#calibrated(null);
    this.words();
  }

  /** Everything in the present language. */
  words() {
    this.sweep.words = { simulated: t("simulated.short"), stale: t("doctor.waves.stale"), unscaled: t("ecg.unscaled") };
    const chosen = this.#chosen();
    const names = Object.keys(CHOICES).sort((a, b) => CHOICES[a].length - CHOICES[b].length);
    const lead = (each) => option(each, t(`doctor.waves.leads.${each}`), each === chosen);
    place("leads").replaceChildren(...names.map(lead), lead("own"));
    const gain = ([factor, mm]) => option(factor, `${mm} mm/mV`, Number(factor) === this.sweep.gain);
    place("gain").replaceChildren(...Object.entries(GAINS).map(gain));
    place("leads-boxes").replaceChildren(...TWELVE.map((lead) => this.#box(lead)));
    this.#gainWords();
    this.#show();
  }

  /** One binary message of the channel `wave`. */
  frame(buffer) {
    this.sweep.frame(decodeFrame(buffer));
  }

  event(message) {
    this.sweep.event(message);
    if ((message.event ?? message.type) === "wave" && message.stream === "ecg") this.#described();
    if (message.event === "dropped") this.#lost += message.frames ?? 1;
  }

  choose(leads) {
    this.leads = TWELVE.filter((lead) => leads.includes(lead));
    const focused = document.activeElement?.id;
    this.words();
    if (focused) place(focused)?.focus();
  }

  /** Freeze, or go on at now. */
  freeze() {
    const frozen = !this.sweep.frozen && this.sweep.freeze();
    if (!frozen) this.sweep.live();
    place("freeze").setAttribute("aria-pressed", String(frozen));
    place("freeze").textContent = t(frozen ? "doctor.waves.live" : "doctor.waves.freeze");
    place("back-label").hidden = !frozen;
    this.#back(0);
  }

  /** Look further back (positive seconds) or forward, while frozen. */
  scroll(seconds) {
    if (this.sweep.frozen) this.#back(Math.max(0, Math.min(30, Number(place("back").value) + seconds)));
  }

  /** Twice a second: the words beside the canvas. `numbers`: the live values as a sentence. */
  draw(numbers) {
    if (this.#mm !== null && window.devicePixelRatio !== this.#ratio) this.#calibrated(null);
    const told = ([name, { stale }]) =>
      t(`doctor.waves.alt.${stale ? "stale" : "live"}`, { stream: t(`doctor.wave.${name}`) });
    const streams = Object.entries(this.sweep.streams()).map(told);
    const state = this.sweep.frozen ? t("doctor.waves.alt.frozen") : "";
    const label = [t("doctor.waves.alt"), ...streams, state, numbers].filter(Boolean).join(". ");
    if (place("waves").getAttribute("aria-label") !== label) place("waves").setAttribute("aria-label", label);
    this.#clock();
    const lost = this.#lost ? t("doctor.waves.dropped", { count: this.#lost }) : "";
    if (place("dropped-said").textContent !== lost) place("dropped-said").textContent = lost;
  }

  /** Stop, and let neither a pixel nor a word of the waves stand. */
  close() {
    this.sweep.close();
    const canvas = place("waves");
    Object.assign(canvas, { width: 0, height: 0 });
    canvas.setAttribute("aria-label", t("doctor.waves.alt"));
    delete canvas.dataset.skewMs;
  }

  /** A recorder of one lead has none of those that were chosen: what there is is shown. */
  #described() {
    const { leads } = this.sweep;
    if (leads.length && !leads.some((lead) => this.leads.includes(lead))) this.choose(leads);
    this.#gainWords();
  }

  #show() {
    const ecg = this.leads.map((lead) => ({ stream: "ecg", lead, label: lead }));
    const others = ["pleth", "cuff"].map((stream) => ({ stream, label: t(`doctor.wave.${stream}`) }));
    this.sweep.show([...ecg, ...others], this.leads.length >= TWO_COLUMNS ? 2 : 1);
  }

  #chosen() {
    return Object.keys(CHOICES).find((name) => CHOICES[name].join() === this.leads.join()) ?? "own";
  }

  #box(lead) {
    const others = () => this.leads.filter((each) => each !== lead);
    const onchange = ({ target }) => this.choose(target.checked ? [...this.leads, lead] : others());
    const box = el("input", { type: "checkbox", checked: this.leads.includes(lead), id: `lead-${lead}`, onchange });
    return el("label", { class: "inline" }, box, ` ${lead}`);
  }

  #back(seconds) {
    place("back").value = seconds;
    place("back-said").textContent = t("doctor.waves.back-said", { seconds: number(seconds, 1) });
    if (this.sweep.frozen) this.sweep.back(seconds);
  }

  #scale(gain) {
    this.sweep.scale(this.#mm, gain);
    this.#gainWords();
  }

  /** Millimetres only where they are true; else what one square of the grid stands for. */
  #gainWords() {
    const { calibrated, gain } = this.sweep;
    const square = { mv: number(0.1 / gain, gain === 2 ? 2 : 1) };
    if (this.sweep.unscaled) return void (place("scale-said").textContent = t("ecg.unscaled"));
    const words = calibrated ? t("doctor.scale.true", { mm: GAINS[gain] }) : t("doctor.scale.square", square);
    place("scale-said").textContent = `${words} · ${t("doctor.scale.band")}`;
  }

  #calibrate() {
    place("card-width").value = this.#mm ? this.#mm * CARD_MM : NOMINAL_CARD_PX;
    this.#card(Number(place("card-width").value));
    place("calibrate").showModal();
  }

  #card(width) {
    place("card").style.setProperty("inline-size", `${width}px`);
    place("card").style.setProperty("block-size", `${(width * 53.98) / CARD_MM}px`);
  }

  #calibrated(mm) {
    this.#mm = mm;
    this.#ratio = window.devicePixelRatio;
    this.#scale(this.sweep.gain);
    place("calibrate").close();
  }

  #clock() {
    const skew = this.sweep.playout.skew(performance.now() / 1000);
    place("waves").dataset.skewMs = skew === null ? "" : String(Math.round(skew * 1000));
    const ms = Math.round(Math.abs(skew) * 1000);
    const words = skew === null ? t("doctor.clock.alone") : t("doctor.clock.shared", { ms });
    if (place("clock-said").textContent !== words) place("clock-said").textContent = words;
  }
}

function option(value, text, selected) {
  return el("option", { value, selected }, text);
}
