// What the doctor hears and says: volumes, own microphone, the stethoscope with its warning.
import { t } from "../texts.js";
import { place, sentence } from "./words.js";

export class Sound {
  #sound = null; // what media said of the cabin's sound cards

  /** `ask` speaks to the cabin; `headphones`: "confirmed", "speakers" or null, from the check in the lobby. */
  constructor(ask, microphone, headphones) {
    Object.assign(this, { ask, microphone, headphones, listening: false });
    this.#open(true);
    place("volume-voice").oninput = ({ target }) => (place("audio-voice").volume = Number(target.value));
    place("volume-stethoscope").oninput = ({ target }) => (place("audio-stethoscope").volume = Number(target.value));
    place("mute").onclick = () => this.mute();
    place("stethoscope").onclick = () => this.listen();
    this.draw();
  }

  voice(stream) {
    play(place("audio-voice"), stream);
  }

  stethoscope(stream) {
    play(place("audio-stethoscope"), stream);
  }

  /** Media said which sound cards there are. */
  cards(sound) {
    this.#sound = sound;
    this.draw();
  }

  /** Mute the doctor's own microphone, or no longer. */
  mute() {
    if (!this.microphone) return;
    this.#open(this.muted);
    this.draw();
  }

  #open(open) {
    this.muted = !open;
    for (const track of this.microphone?.getAudioTracks() ?? []) track.enabled = open;
  }

  /** The stethoscope on or off; the cabin sends its sound only while it is on. */
  async listen(on = !this.listening) {
    try {
      await this.ask("media", "stethoscope", { on });
      this.listening = on;
      this.draw();
    } catch (problem) {
      this.draw(sentence(problem));
    }
  }

  /** A new call begins: what was on is asked for again. */
  async again() {
    if (this.listening) await this.listen(true);
  }

  draw(said = null) {
    place("mute").disabled = !this.microphone;
    place("mute").setAttribute("aria-pressed", String(this.muted || !this.microphone));
    const state = !this.microphone ? "none" : this.muted ? "muted" : "mute";
    place("mute").textContent = t(`doctor.sound.${state}`);
    place("stethoscope").disabled = this.#sound !== null && !this.#sound.stethoscope;
    place("stethoscope").setAttribute("aria-pressed", String(this.listening));
    place("sound-said").textContent = said ?? this.#facts().join(" ");
  }

  /** Let go of what is heard; the microphone is open again for whatever comes next. */
  close() {
    this.#open(true);
    for (const id of ["audio-voice", "audio-stethoscope"]) place(id).srcObject = null;
  }

  /** What keeps the two from hearing each other, and what a loudspeaker cannot carry. */
  #facts() {
    const away = this.#sound ? ["microphone", "speaker", "stethoscope"].filter((card) => !this.#sound[card]) : [];
    const facts = [
      !this.microphone && t("doctor.microphone.without"),
      ...away.flatMap((card) => [t(`doctor.sound.no-${card}`), this.#sound.why?.[card]]),
      this.listening && this.headphones !== "confirmed" && t("doctor.sound.headphones"),
    ];
    return [...new Set(facts.filter(Boolean))]; // three cards may be missing for one reason
  }
}

function play(audio, stream) {
  audio.srcObject = stream;
  audio.play().catch(() => {});
}
