// The video: when each picture was taken, whether it moves, which camera it comes from.
import { el, fill } from "../dom.js";
import { t } from "../texts.js";
import { place, sentence } from "./words.js";

export const FROZEN_S = 2;
const RTP_HZ = 90000;

/** Cabin seconds at which a picture was taken, from its RTP time stamp and the last word of media about its clock. */
export function takenAt(rtp, clock) {
  return clock.mono_us / 1e6 + ((rtp - clock.rtp) | 0) / RTP_HZ;
}

export class Picture {
  #clock = null;
  #last = null; // page seconds of the last picture
  #here = true;
  #asked = null; // the callback of the next picture

  /** `playout` learns when pictures were taken; `ask` speaks to the cabin. */
  constructor(playout, ask) {
    Object.assign(this, { playout, ask, video: place("video"), media: null, switching: null });
    this.#next();
  }

  /** Another stream, of a new call; what was said of the old one is void. */
  stream(stream) {
    this.#clock = null;
    this.#last = null;
    this.video.srcObject = stream;
    this.video.play().catch(() => {});
  }

  /** Media said which capture time an RTP time stamp means. */
  clock(message) {
    this.#clock = message;
  }

  /** Media said which cameras there are. */
  cameras(media) {
    this.media = media;
    this.switching = null;
    const buttons = media.cameras.map((camera) => this.#button(camera, media.camera));
    const focused = document.activeElement?.id;
    fill(place("cameras"), buttons);
    if (focused?.startsWith("camera-")) place(focused)?.focus();
  }

  /** The next camera that works. */
  another() {
    const usable = this.media?.cameras.filter((each) => works(each)) ?? [];
    const now = usable.findIndex((each) => each.name === this.media.camera);
    if (usable.length > 1) this.choose(usable[(now + 1) % usable.length].name);
  }

  async choose(name) {
    if (this.switching === name) return;
    this.switching = name;
    try {
      await this.ask("media", "camera", { name });
    } catch (problem) {
      this.#say(sentence(problem));
    }
    this.switching = null;
  }

  /** Seconds since the last picture; null before the first. */
  get age() {
    return this.#last === null ? null : performance.now() / 1000 - this.#last;
  }

  /** Several times a second: say that the picture stands still. That a hidden page gets none says nothing. */
  watch(up) {
    if (document.hidden || !this.#here) this.#last = this.#last === null ? null : performance.now() / 1000;
    this.#here = !document.hidden;
    const age = this.age;
    this.video.classList.toggle("frozen", !up || age === null || age > FROZEN_S);
    if (!up) this.#say(t("doctor.video.lost"));
    else if (age === null) this.#say(t("doctor.video.waiting"));
    else if (age > FROZEN_S) this.#say(t("doctor.video.frozen", { seconds: Math.floor(age) }));
    else this.#say(null);
  }

  /** Let go of the video; nothing of the consultation is kept by it. */
  close() {
    this.video.cancelVideoFrameCallback?.(this.#asked);
    this.video.srcObject = null;
    this.#last = null;
  }

  #button(camera, chosen) {
    const id = `camera-${camera.name}`;
    const name = [camera.label, camera.simulated ? t("simulated.short") : null].filter(Boolean).join(" · ");
    const pressed = String(camera.name === chosen);
    const choose = () => this.choose(camera.name);
    return el(
      "button",
      { id, "aria-pressed": pressed, "data-state": camera.state, onclick: choose },
      el("span", {}, name),
      camera.reason && el("small", {}, camera.reason),
    );
  }

  #say(text) {
    const said = place("picture-said");
    if (said.textContent !== (text ?? "")) said.textContent = text ?? "";
    said.hidden = !text;
  }

  #next() {
    this.#asked = this.video.requestVideoFrameCallback?.((_, about) => {
      this.#last = performance.now() / 1000;
      if (this.#clock && about.rtpTimestamp !== undefined) {
        this.playout.video(takenAt(about.rtpTimestamp, this.#clock), about.expectedDisplayTime / 1000);
      }
      this.#next();
    });
  }
}

function works(camera) {
  return camera.state !== "missing" && camera.state !== "failed";
}
