// Runs in a page before its own scripts: notes every picture, waveform frame and click, and changes nothing.
//
// Times are milliseconds of `performance.now()`, which is the system's monotonic clock but for a constant. The
// picture's clock is the one of `cabin_agent/media/barcode.py`: 2 rows of 32 cells along the bottom edge.
(() => {
  const ASPECT = 16 / 9;
  const ROWS = 18; // a row of cells is this part of the picture's height
  const seen = (window.benchSeen = { pictures: [], waves: [], clocks: [], rates: {}, clicked: null });
  const pen = new OffscreenCanvas(32, 2).getContext("2d", { willReadFrequently: true });
  pen.imageSmoothingEnabled = false;

  /** CRC-16, polynomial 0x1021, start 0xffff. */
  function checksum(bytes) {
    let sum = 0xffff;
    for (const byte of bytes) {
      sum ^= byte << 8;
      for (let bit = 0; bit < 8; bit++) sum = sum & 0x8000 ? ((sum << 1) ^ 0x1021) & 0xffff : (sum << 1) & 0xffff;
    }
    return sum;
  }

  /** The 32 bits of milliseconds in the picture that is shown, null where its cells are damaged. */
  function read(video) {
    const [w, h] = [video.videoWidth, video.videoHeight];
    const [inW, inH] = w / h > ASPECT ? [h * ASPECT, h] : [w, w / ASPECT];
    const top = (h - inH) / 2 + (inH * (ROWS - 2)) / ROWS;
    pen.drawImage(video, (w - inW) / 2, top, inW, (2 * inH) / ROWS, 0, 0, 32, 2);
    const { data } = pen.getImageData(0, 0, 32, 2);
    const bytes = new Uint8Array(8);
    for (let n = 0; n < 64; n++) if (data[4 * n + 1] > 125) bytes[n >> 3] |= 128 >> (n & 7);
    const view = new DataView(bytes.buffer);
    return checksum(bytes.subarray(0, 6)) === view.getUint16(6) ? view.getUint32(0) : null;
  }

  function watch(video) {
    video.requestVideoFrameCallback((_, about) => {
      const at = performance.now();
      seen.pictures.push([at, about.expectedDisplayTime, read(video), video.videoWidth, about.presentedFrames]);
      watch(video);
    });
  }

  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...words) {
      super(...words);
      window.benchPeer = this;
    }
    createDataChannel(label, options) {
      const channel = super.createDataChannel(label, options);
      if (label === "ctl") window.benchCtl = channel;
      channel.addEventListener("message", ({ data }) => (label === "wave" ? wave(data) : word(data)));
      return channel;
    }
  };

  function wave(data) {
    const view = new DataView(data);
    const stream = view.getUint16(4, true);
    seen.waves.push([performance.now(), stream, Number(view.getBigUint64(12, true)), view.getUint8(7)]);
  }

  function word(data) {
    if (typeof data !== "string") return;
    const message = JSON.parse(data);
    if (message.event === "wave-clock") seen.clocks.push([message.stream, message.offset_us]);
    if (message.event === "wave") seen.rates[message.stream] = message.rate;
    if (message.event === "quality") seen.quality = message;
  }

  /** Forget what was seen, and give it. */
  window.benchTake = () => {
    const taken = { ...seen, pictures: seen.pictures, waves: seen.waves };
    Object.assign(seen, { pictures: [], waves: [] });
    return taken;
  };

  /** Ask the core for an ECG, again and again: one that runs is left alone, and the page does not know the answers. */
  window.benchEcg = () => {
    const ask = () => window.benchCtl?.readyState === "open" && window.benchCtl.send(JSON.stringify({ id: -1, to: "core", do: "start", task: "ecg" }));
    ask();
    setInterval(ask, 2000);
  };

  /** What Chromium counts of the video it receives. */
  window.benchStats = async () => {
    const all = [...(await window.benchPeer.getStats()).values()];
    return all.find((each) => each.type === "inbound-rtp" && each.kind === "video") ?? {};
  };

  document.addEventListener("click", ({ target }) => target.id === "join" && (seen.clicked = performance.now()), true);
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("video").forEach(watch));
})();
