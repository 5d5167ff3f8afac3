// The call itself: one RTCPeerConnection at a time, its two channels, its heartbeat, and how it comes back.
import { Problem } from "../api.js";

const GATHER_MS = 500; // host candidates are there at once; nothing longer is waited for
const BEAT_MS = 1000;
const SILENT_S = 2; // silence that is said
const LOST_S = 5; // silence after which the call is made anew
const ANSWER_MS = 6000;
const CONNECT_MS = 8000;
const RETRY_MS = [300, 1000, 2000, 4000];
const SIGNED_OUT = new Set([401, 403]);
const OVER = new Set(["not-now", "taken"]); // answers to the wish to join that no second try changes

/**
 * A call with the cabin that rejoins by itself until `close()` or until the core says that it is over.
 *
 * `on.state(state, problem)`: "joining", "up", "silent" (no heartbeat), "lost" (being made anew), "over" (the core
 * refuses: `problem` says why). `on.event(message)`, `on.still(buffer)`, `on.wave(buffer)`, `on.video(stream)`,
 * `on.voice(stream)`, `on.stethoscope(stream)`.
 */
export class Link {
  #pc = null;
  #ctl = null;
  #where = null; // Location of the WHEP session
  #asked = new Map();
  #number = 0;
  #heard = 0;
  #tries = 0;
  #beat = null;
  #state = "new";
  #wanted = false;

  /** `microphone`: a stream; null where there is none. */
  constructor(api, microphone, on) {
    Object.assign(this, { api, microphone, on });
    this.leave = () => this.#drop(true);
  }

  get state() {
    return this.#state;
  }

  get peer() {
    return this.#pc;
  }

  /** Join, and stay joined. */
  async open() {
    this.#wanted = true;
    window.addEventListener("pagehide", this.leave);
    this.#beat = setInterval(() => this.#pulse(), BEAT_MS / 2);
    await this.#join("joining");
  }

  /** Hang up; `over`: the core has done so already. */
  close(over = false) {
    this.#wanted = false;
    window.removeEventListener("pagehide", this.leave);
    clearInterval(this.#beat);
    clearTimeout(this.retry);
    this.#drop(!over);
  }

  /** Ask the core or the media process; the answer, or a Problem. */
  ask(to, what, fields = {}) {
    const id = ++this.#number;
    const open = this.#ctl?.readyState === "open";
    if (!open) return Promise.reject(new Problem("not-connected", "There is no link to the cabin.", 0));
    return new Promise((resolve, reject) => {
      const late = { re: id, ok: false, code: "no-answer", text: "The cabin does not answer." };
      const timer = setTimeout(() => this.#settle(late), ANSWER_MS);
      this.#asked.set(id, { resolve, reject, timer });
      this.#ctl.send(JSON.stringify({ id, to, do: what, ...fields }));
    });
  }

  /** What arrives of the video, by the browser's own count: {fps, kbps}, or null; asked for at most once a second. */
  async received() {
    if (!this.#pc || this.#state !== "up") return null;
    const reports = [...(await this.#pc.getStats()).values()];
    const video = reports.find((each) => each.type === "inbound-rtp" && each.kind === "video");
    const before = this.counted;
    this.counted = video && { at: video.timestamp, bytes: video.bytesReceived, id: video.id };
    if (!video || before?.id !== video.id || video.timestamp <= before.at) return null;
    const kbps = ((video.bytesReceived - before.bytes) * 8) / (video.timestamp - before.at);
    return { fps: video.framesPerSecond ?? 0, kbps };
  }

  /** Make the call anew at once: another language. */
  renew() {
    if (this.#state === "up") this.#again();
  }

  #say(state, problem = null) {
    if (state === this.#state && !problem) return;
    this.#state = state;
    this.on.state(state, problem);
  }

  async #join(state) {
    this.#say(state);
    const pc = (this.#pc = new RTCPeerConnection({ iceServers: [] }));
    try {
      this.#prepare(pc);
      const [{ token }] = await Promise.all([this.#token(), this.#offer(pc)]);
      const answer = await this.api.offer(token, pc.localDescription.sdp);
      if (pc !== this.#pc || !this.#wanted) return void this.api.remove(answer.location);
      this.#where = answer.location;
      await pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
      this.#heard = performance.now();
      this.patience = setTimeout(() => pc === this.#pc && this.#state !== "up" && this.#again(), CONNECT_MS);
    } catch (problem) {
      if (pc === this.#pc) this.#failed(problem);
    }
  }

  #prepare(pc) {
    const video = pc.addTransceiver("video", { direction: "recvonly" });
    const track = this.microphone?.getAudioTracks()[0];
    this.voice = pc.addTransceiver(track ?? "audio", { direction: track ? "sendrecv" : "recvonly" });
    const stethoscope = pc.addTransceiver("audio", { direction: "recvonly" });
    if ("jitterBufferTarget" in video.receiver) video.receiver.jitterBufferTarget = 0;
    pc.ontrack = ({ transceiver, track: heard }) => {
      const to = new Map([[video, "video"], [this.voice, "voice"], [stethoscope, "stethoscope"]]).get(transceiver);
      this.on[to]?.(new MediaStream([heard]));
    };
    pc.onconnectionstatechange = () => pc === this.#pc && pc.connectionState === "failed" && this.#again();
    this.#channels(pc);
  }

  #channels(pc) {
    const ctl = (this.#ctl = pc.createDataChannel("ctl"));
    ctl.binaryType = "arraybuffer";
    ctl.onopen = () => pc === this.#pc && this.#up();
    ctl.onclose = () => pc === this.#pc && this.#again();
    ctl.onmessage = ({ data }) => pc === this.#pc && this.#said(data);
    const wave = pc.createDataChannel("wave", { ordered: false, maxRetransmits: 0 });
    wave.binaryType = "arraybuffer";
    wave.onmessage = ({ data }) => this.on.wave(data);
  }

  /** An offer with the candidates that are there within the limit: aiortc takes no later ones. */
  async #offer(pc) {
    const gathered = new Promise((done) => {
      pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && done();
      setTimeout(done, GATHER_MS);
    });
    await pc.setLocalDescription(await pc.createOffer());
    await gathered;
  }

  #up() {
    clearTimeout(this.patience);
    this.#tries = 0;
    this.#heard = performance.now();
    this.#say("up");
  }

  #said(data) {
    this.#heard = performance.now();
    if (this.#state === "silent") this.#say("up");
    if (typeof data !== "string") return this.on.still(data);
    const message = JSON.parse(data);
    if ("re" in message) this.#settle(message);
    else if (message.event === "replaced") this.#ended(new Problem("replaced", "The call goes on elsewhere.", 0));
    else if (message.event !== "heartbeat") this.on.event(message);
  }

  #settle(answer) {
    const waiting = this.#asked.get(answer.re);
    if (!waiting) return;
    this.#asked.delete(answer.re);
    clearTimeout(waiting.timer);
    if (answer.ok) waiting.resolve(answer);
    else waiting.reject(new Problem(answer.code, answer.text, 0));
  }

  /** Twice a second: tell media that we are here, and look how long it has been silent. */
  #pulse() {
    if (this.#state !== "up" && this.#state !== "silent") return;
    const silent = (performance.now() - this.#heard) / 1000;
    if (silent > LOST_S) return this.#again();
    this.odd = !this.odd;
    if (silent > SILENT_S) {
      this.#say("silent");
      if (this.odd) this.#inquire(this.#pc);
    }
    if (this.odd) this.ask("media", "ping", { t: Math.round(performance.now()) }).catch(() => {});
  }

  /** The cabin may know already that this call is over: its media process began anew, and nothing need be waited for. */
  async #inquire(pc) {
    const { state, connected } = await this.api.get("/consultation").catch(() => ({}));
    if (pc === this.#pc && this.#state === "silent" && state === "yours" && !connected) this.#again();
  }

  /** A token for one offer; the core refuses it where there is nothing to join any more. */
  async #token() {
    try {
      return await this.api.post("/consultation/token", { language: document.documentElement.lang });
    } catch (problem) {
      problem.final = SIGNED_OUT.has(problem.status) || OVER.has(problem.code);
      throw problem;
    }
  }

  #failed(problem) {
    if (problem.final) this.#ended(problem);
    else this.#again(problem instanceof Problem ? problem : null);
  }

  /** No second try changes it. */
  #ended(problem) {
    this.close(true);
    this.#say("over", problem);
  }

  /** Make the call anew: a new connection, a new token. */
  #again(problem = null) {
    if (!this.#wanted) return;
    this.#drop(false); // the next offer ends the session at the core
    this.#say("lost", problem);
    clearTimeout(this.retry);
    const wait = RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)];
    this.retry = setTimeout(() => this.#wanted && this.#join("lost"), wait);
  }

  /** Leave the present session, and `tell` the core so, even while the page goes away. */
  #drop(tell) {
    clearTimeout(this.patience);
    const [pc, where] = [this.#pc, this.#where];
    this.#pc = this.#ctl = this.#where = null;
    const lost = { ok: false, code: "not-connected", text: "The link was lost." };
    for (const re of [...this.#asked.keys()]) this.#settle({ re, ...lost });
    pc?.close();
    if (where && tell) this.api.remove(where).catch(() => {});
  }
}
