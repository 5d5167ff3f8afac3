// Requests to the cabin's core. A page says which of its sessions it speaks for ("kiosk", "nurse", ...).

const BASE = "/api/v1";

/** A refusal of the core: `code` is stable, the message is one sentence. */
export class Problem extends Error {
  constructor(code, sentence, status) {
    super(sentence);
    this.code = code;
    this.status = status;
  }
}

export class Api {
  constructor(role) {
    this.role = role;
  }

  async get(path) {
    return this.#ask("GET", path);
  }

  async post(path, body = {}) {
    return this.#ask("POST", path, JSON.stringify(body), "application/json");
  }

  /** WHEP: offer in, {sdp, location} out. */
  async offer(token, sdp) {
    const answer = await this.#fetch("POST", "/whep", sdp, "application/sdp", { Authorization: `Bearer ${token}` });
    return { sdp: await answer.text(), location: answer.headers.get("Location") };
  }

  /** End a WHEP session; `keepalive` lets it leave with the page. */
  async remove(location) {
    await fetch(location, { method: "DELETE", headers: { "Cabin-Role": this.role }, keepalive: true });
  }

  /** A whole answer, for what is not JSON. */
  async raw(path) {
    return this.#fetch("GET", path);
  }

  async #ask(method, path, body, type) {
    const answer = await this.#fetch(method, path, body, type);
    if (answer.status === 204) return null;
    return answer.json().catch(() => {
      throw unreachable(); // it was gone before its answer was whole
    });
  }

  async #fetch(method, path, body, type, more = {}) {
    const headers = { "Cabin-Role": this.role, ...more };
    if (type) headers["Content-Type"] = type;
    let answer;
    try {
      answer = await fetch(BASE + path, { method, headers, body, cache: "no-store" });
    } catch {
      throw unreachable();
    }
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    throw new Problem(problem.code ?? "unknown", problem.title ?? problem.detail ?? answer.statusText, answer.status);
  }
}

function unreachable() {
  return new Problem("unreachable", "The cabin's core does not answer.", 0);
}
