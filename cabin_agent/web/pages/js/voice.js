// The cabin reads its screens aloud: clips made by the core from the same sentences, played one after the other.

/** Loudness of each step: 18 dB between the lowest and the highest, one step of 12 dB (EN 301 549, 8.2.1). */
export const LEVELS = [0.125, 0.5, 1];

export class Voice {
  #sound = null; // AudioContext and gain, made at the first word: before a touch a browser lets nothing sound
  #playing = null;
  #turn = 0;

  /** `clip(key)` gives the bytes of one sentence, or throws. */
  constructor(clip) {
    Object.assign(this, { clip, on: false, level: 1 });
  }

  /** Say the sentences of these keys; whatever was being said is cut. Resolves when all is said, or cut. */
  async say(keys) {
    this.stop();
    if (!this.on) return;
    const turn = this.#turn;
    for (const key of keys) {
      const bytes = await this.clip(key).catch(() => null);
      if (turn !== this.#turn) return;
      if (bytes) await this.#play(bytes);
      if (turn !== this.#turn) return;
    }
  }

  stop() {
    this.#turn++;
    this.#playing?.stop();
    this.#playing = null;
  }

  /** The next step of loudness, round and round. */
  louder() {
    this.level = (this.level + 1) % LEVELS.length;
    if (this.#sound) this.#sound.gain.gain.value = LEVELS[this.level];
  }

  async #play(bytes) {
    const { context, gain } = (this.#sound ??= open());
    gain.gain.value = LEVELS[this.level];
    const turn = this.#turn;
    const buffer = await context.decodeAudioData(bytes).catch(() => null);
    if (!buffer || turn !== this.#turn) return;
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(gain);
    this.#playing = source;
    await new Promise((done) => {
      source.onended = done;
      source.start();
    });
  }
}

function open() {
  const context = new AudioContext();
  const gain = new GainNode(context);
  gain.connect(context.destination);
  return { context, gain };
}
