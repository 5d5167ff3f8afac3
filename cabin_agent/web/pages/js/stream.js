// The core's WebSocket: events and waveform frames; it comes back by itself and says why it is away.
import { decodeFrame } from "./frames.js";

const BEAT_MS = 5000; // the core's heartbeat
const SILENT_MS = 2.5 * BEAT_MS;
const RETRY_MS = [250, 500, 1000, 2000];

/**
 * Follow the core until `close()`.
 * `on.event(message)`, `on.wave(frame)`, `on.up(hello)`, `on.down(cause)`; a cause is "unreachable" (nobody answers),
 * "silent" (connected, but no heartbeat), "forbidden" (the session is over) or "busy" (too many screens).
 */
export class Stream {
  constructor(role, on, { waves = false } = {}) {
    Object.assign(this, { role, on, waves, tries: 0, closed: false });
    this.#open();
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  #open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const address = `${scheme}://${location.host}/api/v1/stream?waves=${this.waves ? 1 : 0}&as=${this.role}`;
    const socket = (this.socket = new WebSocket(address));
    socket.binaryType = "arraybuffer";
    socket.onmessage = (message) => this.#heard(message.data);
    socket.onclose = (end) => this.#lost(socket, end.code === 1008 ? "forbidden" : "unreachable");
    this.#expect(socket);
  }

  #heard(data) {
    this.#expect(this.socket);
    if (data instanceof ArrayBuffer) return this.on.wave?.(decodeFrame(data));
    const message = JSON.parse(data);
    if (message.type === "hello") {
      this.tries = 0;
      this.on.up?.(message);
    } else if (message.type !== "heartbeat") this.on.event?.(message);
  }

  #expect(socket) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#lost(socket, "silent"), SILENT_MS);
  }

  async #lost(socket, cause) {
    if (this.closed || socket !== this.socket) return;
    this.socket = null;
    clearTimeout(this.timer);
    socket.onclose = null;
    socket.close();
    this.on.down?.(cause === "silent" ? cause : await this.#cause(cause));
    if (this.closed) return;
    const wait = RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)];
    this.timer = setTimeout(() => this.#open(), wait);
  }

  /** A refused handshake looks to a page like any other failure: ask over HTTP what is wrong. */
  async #cause(cause) {
    try {
      const answer = await fetch("/api/v1/status", { headers: { "Cabin-Role": this.role }, cache: "no-store" });
      if (answer.ok) return "busy";
      return answer.status === 401 || answer.status === 403 ? "forbidden" : cause;
    } catch {
      return "unreachable";
    }
  }
}
