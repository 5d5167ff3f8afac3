// Waveform frames as `cabin_agent/frames.py` writes them (docs/api.yaml).

export const STREAMS = { 1: "ecg", 2: "pleth", 3: "cuff" };
const PER_UNIT = { ecg: 1e6, pleth: 1e3, cuff: 1e6 };
const PER_COUNT = 1e3;
const FLAGS = { simulated: 1, replay: 2, leadOff: 4, gap: 8, test: 16, stale: 32, counts: 64 };
const HEADER = 24;
const NO_SAMPLE = -32768;

/**
 * One frame: {stream, seq, t0 (device seconds of the first sample), flags {simulated, ...}, channels: Float32Array[]};
 * NaN where there is no sample. Throws RangeError for bytes that are none.
 */
export function decodeFrame(buffer) {
  const view = new DataView(buffer);
  if (view.byteLength < HEADER || view.getUint16(0) !== 0x4357 || view.getUint8(2) !== 1) {
    throw new RangeError("not a waveform frame of version 1");
  }
  const stream = STREAMS[view.getUint16(4, true)];
  const channels = view.getUint8(6);
  const count = view.getUint8(7);
  if (!stream || view.byteLength !== HEADER + 2 * channels * count) throw new RangeError("a waveform frame that is cut");
  const bits = view.getUint8(3);
  const flags = Object.fromEntries(Object.entries(FLAGS).map(([name, bit]) => [name, (bits & bit) !== 0]));
  const step = view.getUint16(20, true) / (flags.counts ? PER_COUNT : PER_UNIT[stream]);
  const rows = Array.from({ length: channels }, (_, row) =>
    Float32Array.from({ length: count }, (_, n) => {
      const raw = view.getInt16(HEADER + 2 * (row * count + n), true);
      return raw === NO_SAMPLE ? NaN : raw * step;
    }),
  );
  return { stream, seq: view.getUint32(8, true), t0: Number(view.getBigUint64(12, true)) / 1e6, flags, channels: rows };
}
