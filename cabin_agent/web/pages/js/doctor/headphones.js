// Headphones: two tones, one in each ear in a random order, and a low one that only headphones carry.
import { el, fill } from "../dom.js";
import { t } from "../texts.js";
import { place } from "./words.js";

const TONE_HZ = 440;
const LOW_HZ = 60; // heart sounds lie at 20 to 150 Hz; the loudspeaker of a laptop begins near 200 Hz
const TONE_S = 1.2;

export class Headphones {
  /** "confirmed", "speakers" (something was not heard as it should) or null before the check. */
  verdict = null;

  constructor() {
    this.offer();
  }

  /** The button that begins, and what the last check found. */
  offer() {
    place("headphones-said").textContent = t(`doctor.headphones.${this.verdict ?? "unknown"}`);
    fill(place("headphones-buttons"), button("headphones-begin", t("doctor.headphones.begin"), () => this.#begin()));
  }

  async #begin() {
    this.sound ??= new AudioContext();
    const right = Math.random() < 0.5;
    const heard = [
      (await this.#ask(TONE_HZ, right ? 1 : -1, ["left", "right", "both", "nothing"])) === (right ? "right" : "left"),
      (await this.#ask(TONE_HZ, right ? -1 : 1, ["left", "right", "both", "nothing"])) === (right ? "left" : "right"),
      (await this.#ask(LOW_HZ, 0, ["low", "nothing"])) === "low",
    ];
    this.verdict = heard.every(Boolean) ? "confirmed" : "speakers";
    this.offer();
    place("headphones-begin").focus();
  }

  /** Play a tone and ask where it was heard. */
  #ask(hz, pan, answers) {
    this.#play(hz, pan);
    place("headphones-said").textContent = t(hz === LOW_HZ ? "doctor.headphones.ask-low" : "doctor.headphones.ask");
    return new Promise((answered) => {
      const again = button("headphones-again", t("doctor.headphones.again"), () => this.#play(hz, pan));
      const words = (answer) => t(`doctor.headphones.${answer}`);
      const choice = (answer) => button(`headphones-${answer}`, words(answer), () => answered(answer));
      const each = answers.map(choice);
      fill(place("headphones-buttons"), each, again);
      each[0].focus();
    });
  }

  #play(hz, pan) {
    const now = this.sound.currentTime;
    const tone = new OscillatorNode(this.sound, { frequency: hz });
    const loud = new GainNode(this.sound, { gain: 0 });
    loud.gain.setTargetAtTime(hz === LOW_HZ ? 0.6 : 0.2, now, 0.05);
    loud.gain.setTargetAtTime(0, now + TONE_S, 0.05);
    tone.connect(loud).connect(new StereoPannerNode(this.sound, { pan })).connect(this.sound.destination);
    place("headphones-said").dataset.tone = `${hz} ${pan}`;
    tone.start(now);
    tone.stop(now + TONE_S + 0.4);
  }
}

function button(id, text, onclick) {
  return el("button", { id, onclick }, text);
}
