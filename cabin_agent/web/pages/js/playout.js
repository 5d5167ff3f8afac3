// When to show what: the play-out of waveforms, and of waveforms beside a video, on one clock. Pure: seconds come in.
//
// Three clocks meet here. Device time counts the samples of one stream. Cabin time is the cabin's monotonic clock:
// the core says how far each stream is from it ("wave-clock"), the video says it of each picture. Page time is this
// page's (`performance.now() / 1000`). Where nobody has said anything yet, a stream is put on the clock of its
// arrivals.

const WINDOW_S = 3; // how long a fastest arrival is remembered, twice
const JITTER_FALL = 0.1; // seconds of jitter that are forgotten in a second
const SLEW = 0.1; // seconds per second by which the play-out may drift towards its aim
const JUMP_S = 0.5; // further away than this it jumps
const LOST_S = 2; // a stream this far from its clock has begun anew
const FRESH_S = 1; // how old the last picture may be to lead the waves
const PICTURES = 9; // pictures of which the median is taken

/** The least value of the last `window` to twice `window` seconds. */
export class Least {
  #since = -Infinity;
  #now = Infinity;
  #before = Infinity;

  constructor(window = WINDOW_S) {
    this.window = window;
  }

  add(value, now) {
    if (now - this.#since > this.window) {
      this.#before = this.#now;
      this.#now = Infinity;
      this.#since = now;
    }
    this.#now = Math.min(this.#now, value);
  }

  get value() {
    return Math.min(this.#now, this.#before);
  }
}

export class Playout {
  #streams = new Map(); // name -> {offset, clocked, transit: Least, batch, jitter, heard}
  #pictures = [];
  #seen = -Infinity;
  #lag = null;
  #asked = 0;

  /** `least` and `most`: seconds that waveforms wait after the fastest arrival, so that later ones are in time. */
  constructor({ least = 0.04, most = 1 } = {}) {
    this.least = least;
    this.most = most;
  }

  /** The core said: device time of `stream` + `offset` = cabin time, in seconds. */
  clock(stream, offset) {
    const known = this.#streams.get(stream);
    if (known?.clocked) {
      known.offset = offset;
      return;
    }
    for (const [name, each] of this.#streams) if (!each.clocked) this.#streams.delete(name);
    this.#streams.set(stream, fresh(offset, true));
  }

  /** A frame with samples from `t0` to `t1` (device seconds) arrived at `now`. */
  arrived(stream, t0, t1, now) {
    let one = this.#streams.get(stream);
    const strange = one && Number.isFinite(one.transit.value);
    if (!one || (strange && Math.abs(now - t1 - one.offset - one.transit.value) > LOST_S)) {
      one = fresh(now - this.#fastest(now) - t1, false);
      this.#streams.set(stream, one);
    }
    one.transit.add(now - t1 - one.offset, now);
    const late = now - t1 - one.offset - one.transit.value;
    one.jitter = Math.max(late, one.jitter - JITTER_FALL * Math.min(1, now - one.heard));
    one.batch = t1 - t0;
    one.heard = now;
  }

  /** A picture that was taken at `captured` (cabin seconds) is on the screen at `shown` (page seconds). */
  video(captured, shown) {
    this.#pictures.push(shown - captured);
    if (this.#pictures.length > PICTURES) this.#pictures.shift();
    this.#seen = shown;
  }

  /** The cabin second to be shown at `now`, or null while nothing came; it never runs backwards but for a jump. */
  head(now) {
    const aim = this.#aim(now);
    if (aim === null) return this.#lag === null ? null : now - this.#lag;
    const step = SLEW * Math.min(1, Math.max(0, now - this.#asked));
    const far = this.#lag === null || Math.abs(aim - this.#lag) > JUMP_S;
    this.#lag = far ? aim : this.#lag + Math.max(-step, Math.min(step, aim - this.#lag));
    this.#asked = now;
    return now - this.#lag;
  }

  /** Seconds to add to the device time of `stream` for cabin time; null before its first frame. */
  offset(stream) {
    return this.#streams.get(stream)?.offset ?? null;
  }

  /** Seconds by which the waves are shown later than the video; null without a video to compare with. */
  skew(now) {
    const video = this.#video(now);
    return video === null || this.#lag === null ? null : this.#lag - video;
  }

  /** Seconds since the last frame of `stream`; Infinity before the first. */
  age(stream, now) {
    return now - (this.#streams.get(stream)?.heard ?? -Infinity);
  }

  #aim(now) {
    const alive = [...this.#streams.values()].filter((each) => now - each.heard < LOST_S);
    if (!alive.length) return null;
    const soonest = Math.max(...alive.map((each) => each.transit.value));
    const latest = soonest + this.most;
    const video = this.#video(now);
    if (video !== null) return Math.min(latest, Math.max(soonest, video));
    const needed = alive.map((each) => each.transit.value + Math.max(this.least, each.batch + each.jitter));
    return Math.min(latest, Math.max(...needed));
  }

  #video(now) {
    if (!this.#pictures.length || now - this.#seen > FRESH_S) return null;
    return [...this.#pictures].sort((a, b) => a - b)[this.#pictures.length >> 1];
  }

  /** Page time minus cabin time, over the fastest way known; 0 where it is not known: then it is page time. */
  #fastest(now) {
    const alive = [...this.#streams.values()].filter((each) => each.clocked && now - each.heard < LOST_S);
    return alive.length ? Math.min(...alive.map((each) => each.transit.value)) : 0;
  }
}

function fresh(offset, clocked) {
  return { offset, clocked, transit: new Least(), batch: 0, jitter: 0, heard: -Infinity };
}
