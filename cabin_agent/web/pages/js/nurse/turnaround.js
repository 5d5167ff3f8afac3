// How long the cabin was closed for cleaning, as far as this screen saw it.
import { t } from "../texts.js";

export class Turnaround {
  began = null;
  ended = null;
  state = null;

  /** The cabin is in this state now. */
  seen(state) {
    const before = this.state;
    this.state = state;
    if (state === "cleaning" && before !== "cleaning") Object.assign(this, { began: performance.now(), ended: null });
    else if (before === "cleaning" && state === "ready") this.ended = performance.now();
    else if (state !== "cleaning" && state !== "ready") this.forget();
  }

  forget() {
    Object.assign(this, { began: null, ended: null });
  }

  /** The sentence, or null where there is nothing to say. */
  words() {
    if (this.ended !== null) return t("staff.nurse.took", this.#time(this.ended));
    return this.state === "cleaning" ? t("staff.nurse.since", this.#time(performance.now())) : null;
  }

  #time(until) {
    const seconds = Math.max(0, Math.round((until - this.began) / 1000));
    return { minutes: Math.floor(seconds / 60), seconds: seconds % 60 };
  }
}
