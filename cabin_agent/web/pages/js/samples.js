// The last minute of one waveform, placed by device time: what was lost or is not there is NaN.

export const KEPT_S = 60;
const BACK_S = 2; // a stream that goes back by more than this began anew; by less, a frame came late
const HIGH_PASS_HZ = 0.05; // electrodes have an offset of many millivolts; 0.05 Hz keeps the shape (diagnostic band)

/** The limb leads that follow from I and II (Einthoven, Goldberger). */
const DERIVED = {
  III: (i, ii) => ii - i,
  aVR: (i, ii) => -(i + ii) / 2,
  aVL: (i, ii) => i - ii / 2,
  aVF: (i, ii) => ii - i / 2,
};
export const TWELVE = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"];

export class Samples {
  /** `stream`, `rate` (Hz), `unit` and `channels` as the event "wave" gives them. */
  constructor({ stream, rate, unit, channels }) {
    Object.assign(this, { stream, rate, unit, channels, newest: null, oldest: null });
    this.size = Math.ceil(KEPT_S * rate);
    this.data = channels.map(() => new Float32Array(this.size).fill(NaN));
    this.base = channels.map(() => NaN);
  }

  /** Whether the description is still the one that these samples were made for. */
  fits({ rate, unit, channels }) {
    return rate === this.rate && unit === this.unit && channels.join() === this.channels.join();
  }

  /** Put a frame (`frames.js`) where it belongs; `newest` is the number after its last sample if it is the newest. */
  write(frame) {
    const count = frame.channels[0].length;
    const first = Math.round(frame.t0 * this.rate);
    const back = this.newest - BACK_S * this.rate;
    if (this.newest !== null && (first < back || first > this.newest + this.size)) this.#clear();
    if (this.newest === null) this.newest = this.oldest = first;
    this.#blank(this.newest, first);
    frame.channels.forEach((row, channel) => this.data[channel] && this.#put(channel, first, row));
    this.newest = Math.max(this.newest, first + count);
    this.oldest = Math.max(this.oldest, this.newest - this.size);
  }

  /** An ECG in counts: nobody knows how many a millivolt has. */
  get unscaled() {
    return this.stream === "ecg" && this.unit === "1";
  }

  /** The leads that can be shown: the channels, and what follows from I and II. */
  get leads() {
    if (this.stream !== "ecg") return this.channels;
    const both = this.channels.includes("I") && this.channels.includes("II");
    return TWELVE.filter((lead) => this.channels.includes(lead) || (both && lead in DERIVED));
  }

  /** A function from a sample's number to its value, NaN where there is none; null for a lead that is not there. */
  reader(lead) {
    const channel = this.channels.indexOf(lead);
    if (channel >= 0) return this.#reader(channel);
    if (!(lead in DERIVED) || !this.leads.includes(lead)) return null;
    const [one, two] = [this.#reader(this.channels.indexOf("I")), this.#reader(this.channels.indexOf("II"))];
    return (n) => DERIVED[lead](one(n), two(n));
  }

  /** [lowest, highest] of one lead over the last `seconds`, or null where there is nothing. */
  range(lead, seconds) {
    const read = this.reader(lead);
    let [low, high] = [Infinity, -Infinity];
    for (let n = Math.max(this.oldest, this.newest - Math.round(seconds * this.rate)); n < this.newest; n++) {
      const value = read(n);
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return low <= high ? [low, high] : null;
  }

  /** A copy that stays as it is. */
  copy() {
    const copy = new Samples(this);
    copy.data = this.data.map((row) => row.slice());
    return Object.assign(copy, { newest: this.newest, oldest: this.oldest });
  }

  #reader(channel) {
    const row = this.data[channel];
    return (n) => (n >= this.oldest && n < this.newest ? row[n % this.size] : NaN);
  }

  #put(channel, first, row) {
    const target = this.data[channel];
    for (let k = 0; k < row.length; k++) target[(first + k) % this.size] = this.#level(channel, row[k]);
  }

  /** ECG without the offset of its electrodes; everything else as it is. */
  #level(channel, value) {
    if (this.stream !== "ecg") return value;
    if (Number.isNaN(value)) return (this.base[channel] = NaN);
    const base = this.base[channel];
    const step = (2 * Math.PI * HIGH_PASS_HZ) / this.rate;
    this.base[channel] = Number.isNaN(base) ? value : base + (value - base) * step;
    return value - this.base[channel];
  }

  #blank(from, to) {
    for (let n = from; n < to; n++) for (const row of this.data) row[n % this.size] = NaN;
  }

  #clear() {
    this.newest = this.oldest = null;
    for (const row of this.data) row.fill(NaN);
    this.base.fill(NaN);
  }
}
