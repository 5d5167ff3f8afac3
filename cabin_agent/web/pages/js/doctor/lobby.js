// Before the call: who is in the cabin, and whether this desk can hear, speak and receive.
import { number, t } from "../texts.js";
import { Headphones } from "./headphones.js";
import { place, sentence } from "./words.js";

const POLL_MS = 1000;
const BANDWIDTH_MS = 700;
const ENOUGH_MBIT = 2; // the most that the cabin sends: video 1.5, sound and waves
const POOR_MBIT = 0.6;
const SIGNED_OUT = new Set([401, 403]);

export class Lobby {
  #timer = null;
  #level = null;
  /** A stream; null: refused; undefined: not asked yet. */
  microphone = undefined;

  /** `on.join()`, `on.signedOut()`, `on.seen(consultation)`. */
  constructor(api, on) {
    Object.assign(this, { api, on, headphones: new Headphones(), seen: null });
    place("join").onclick = () => on.join();
    place("microphone-ask").onclick = () => this.askMicrophone();
    place("bandwidth-again").onclick = () => this.#bandwidth();
  }

  /** Show the lobby and follow the cabin's state until `leave`. */
  enter() {
    this.#stop();
    this.words();
    this.#poll();
    this.#bandwidth();
    navigator.permissions?.query({ name: "microphone" }).then(
      ({ state }) => state === "granted" && this.microphone === undefined && this.askMicrophone(),
      () => {},
    );
  }

  leave() {
    this.#stop();
    cancelAnimationFrame(this.#level);
  }

  /** Nobody is signed in any more: the microphone is let go. */
  release() {
    this.leave();
    this.microphone?.getTracks().forEach((track) => track.stop());
    this.microphone = undefined;
  }

  words() {
    this.headphones.offer();
    this.#draw();
    this.#microphoneWords();
  }

  /** Ask for the microphone once; refused, the call is joined without. */
  async askMicrophone() {
    const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    try {
      this.microphone = await navigator.mediaDevices.getUserMedia({ audio: wanted });
      this.#meter();
    } catch {
      this.microphone = null;
    }
    this.#microphoneWords();
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #poll() {
    const mine = (this.#timer = setTimeout(() => this.#poll(), POLL_MS));
    try {
      this.seen = await this.api.get("/consultation");
      this.problem = null;
    } catch (problem) {
      if (SIGNED_OUT.has(problem.status)) return this.#timer === mine && this.on.signedOut();
      this.problem = problem;
    }
    if (this.#timer !== mine) return;
    this.on.seen(this.seen);
    this.#draw();
  }

  #draw() {
    const { state, media } = this.seen ?? {};
    const may = !this.problem && ["waiting", "yours"].includes(state);
    place("join").disabled = !may;
    place("join").textContent = t(state === "yours" ? "doctor.lobby.rejoin" : "doctor.lobby.join");
    const away = may && media && !media.up ? t("doctor.lobby.media-away") : "";
    const words = this.problem ? sentence(this.problem) : t(`doctor.lobby.${state ?? "asking"}`);
    const said = [words, away].filter(Boolean).join(" ");
    if (place("lobby-state").textContent !== said) place("lobby-state").textContent = said;
    place("lobby-cabin").dataset.state = this.problem ? "away" : (state ?? "asking");
  }

  #microphoneWords() {
    const state = this.microphone === undefined ? "unknown" : this.microphone === null ? "refused" : "ready";
    place("microphone-said").textContent = t(`doctor.microphone.${state}`);
    place("check-microphone").dataset.state = state;
    place("microphone-ask").hidden = state === "ready";
  }

  /** How loud the microphone is, while the lobby is shown. */
  #meter() {
    const sound = new AudioContext();
    const listener = new AnalyserNode(sound, { fftSize: 512 });
    new MediaStreamAudioSourceNode(sound, { mediaStream: this.microphone }).connect(listener);
    const samples = new Float32Array(512);
    const look = () => {
      if (!this.#timer) return void sound.close();
      listener.getFloatTimeDomainData(samples);
      place("microphone-level").value = Math.min(1, 3 * Math.hypot(...samples) / Math.sqrt(samples.length));
      this.#level = requestAnimationFrame(look);
    };
    look();
  }

  /** Download from the cabin for a moment, past every cache. */
  async #bandwidth() {
    const said = place("bandwidth-said");
    said.textContent = t("doctor.bandwidth.running");
    const began = performance.now();
    let bytes = 0;
    const fetchAgain = async () => {
      while (performance.now() - began < BANDWIDTH_MS) {
        const answer = await fetch(new URL("../../style.css", import.meta.url), { cache: "no-store" });
        bytes += (await answer.arrayBuffer()).byteLength;
      }
    };
    try {
      await Promise.all([fetchAgain(), fetchAgain(), fetchAgain()]);
    } catch {
      said.textContent = t("doctor.bandwidth.failed");
      return;
    }
    const mbit = (bytes * 8) / 1000 / (performance.now() - began);
    const verdict = mbit >= ENOUGH_MBIT ? "good" : mbit >= POOR_MBIT ? "usable" : "poor";
    place("check-bandwidth").dataset.state = verdict;
    said.textContent = t(`doctor.bandwidth.${verdict}`, { mbit: number(Math.min(mbit, 1000), 1) });
  }
}
