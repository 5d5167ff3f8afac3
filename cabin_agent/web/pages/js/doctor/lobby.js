// Before the call: who is in the cabin, and whether this desk can hear, speak and receive.
import { number, t } from "../texts.js";
import { Headphones } from "./headphones.js";
import { place, sentence } from "./words.js";

const POLL_MS = 1000;
const BANDWIDTH_MS = 3000; // a link on which less than the whole body comes in this time is slow enough to tell
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
    this.leave();
    this.words();
    this.#poll();
    this.#bandwidth();
    if (this.microphone) this.#meter();
    navigator.permissions?.query({ name: "microphone" }).then(
      ({ state }) => state === "granted" && this.microphone === undefined && this.askMicrophone(),
      () => {},
    );
  }

  leave() {
    this.#stop();
    cancelAnimationFrame(this.#level);
    this.listener?.close();
    this.listener = null;
  }

  /** Whether the call begins with a microphone is decided before it: it has its place in the offer. */
  async ready() {
    if (this.microphone !== undefined) return;
    place("join").disabled = true;
    place("lobby-state").textContent = t("doctor.microphone.answer");
    this.#stop();
    await this.askMicrophone();
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
      if (this.#timer) this.#meter();
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
    const sound = (this.listener = new AudioContext());
    const listener = new AnalyserNode(sound, { fftSize: 512 });
    new MediaStreamAudioSourceNode(sound, { mediaStream: this.microphone }).connect(listener);
    const samples = new Float32Array(512);
    const look = () => {
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
    const mbit = await received(new URL("../../measure.bin", import.meta.url)).catch(() => null);
    if (mbit === null) {
      said.textContent = t("doctor.bandwidth.failed");
      return;
    }
    const verdict = mbit >= ENOUGH_MBIT ? "good" : mbit >= POOR_MBIT ? "usable" : "poor";
    place("check-bandwidth").dataset.state = verdict;
    said.textContent = t(`doctor.bandwidth.${verdict}`, { mbit: number(Math.min(mbit, 100), mbit < 10 ? 1 : 0) });
  }
}

/** Mbit/s at which a large body arrives, counted from when it begins: a long way is no narrow one. */
async function received(address) {
  const answer = await fetch(address, { cache: "no-store" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const began = performance.now();
  const body = answer.body.getReader();
  let [bytes, piece] = [0, null];
  do {
    piece = await body.read();
    bytes += piece.value?.byteLength ?? 0;
  } while (!piece.done && performance.now() - began < BANDWIDTH_MS);
  body.cancel();
  return (bytes * 8) / 1000 / Math.max(1, performance.now() - began);
}
