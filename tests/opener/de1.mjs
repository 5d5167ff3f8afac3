// DE1, the sealed envelope from cabin to record: opened, verified and made as its page says, and receipts verified.
// Written from that page; it shares no code and no cryptographic library with the product.

import { deflateSync, inflateSync } from "node:zlib";
import { concat, decode, decodeFirst, encode } from "./cbor.mjs";
import { ascii, hex, proven, same, sha256, signed, SUITES } from "./keys.mjs";

const MIB = 1 << 20;
const MAX_CONTENT = 32 * MIB;
const MAX_SIZE = MAX_CONTENT + MIB;
const LIMIT = (1n << 63n) - 1n;
const SEAL = ascii("DE1/seal\0"), SIGN = ascii("DE1/sign\0"), RECEIPT = ascii("DE1/receipt\0");

/** One of the nine refusals. */
export class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

function demand(fits, code = "malformed") {
  if (!fits) throw new Refused(code);
}

/** What `work` gives; whatever it throws is this refusal. */
function orRefuse(code, work) {
  try {
    return work();
  } catch (error) {
    throw error instanceof Refused ? error : new Refused(code);
  }
}

const isBytes = (value, length) => value instanceof Uint8Array && (length === undefined || value.length === length);
const isCount = (value) => typeof value === "bigint" && value >= 0n && value < LIMIT;
const isText = (value, ...allowed) => typeof value === "string" && (!allowed.length || allowed.includes(value));

/** The smallest bucket that holds `length` bytes. */
export function bucket(length) {
  if (length > MIB) return Math.ceil(length / MIB) * MIB;
  let size = 2048;
  while (size < length) size *= 2;
  return size;
}

/** A map of version 1 with the keys 1 to `fields` and no other. */
function versioned(raw, fields) {
  const item = orRefuse("malformed", () => decode(raw));
  demand(item instanceof Map && typeof item.get(1) === "bigint");
  demand(item.get(1) === 1n, "version");
  demand(item.size === fields && [...item.keys()].every((key, place) => key === place + 1));
  return item;
}

function header(raw) {
  const item = versioned(raw, 7);
  const [suite, rkid, mid, src, seq, size] = [2, 3, 4, 5, 6, 7].map((key) => item.get(key));
  demand([rkid, mid, src].every((id) => isBytes(id, 16)) && isCount(seq) && seq > 0n);
  demand([suite, size].every((number) => typeof number === "bigint" && number >= 0n));
  return { suite: Number(suite), rkid, mid, src, seq, size: Number(size) };
}

/** Open and verify one envelope. `recipients`: private keys by hex key id; `signers` likewise; `suites`: a Set. */
export async function open(envelope, { recipients, signers, suites }) {
  demand(envelope.length <= MAX_SIZE + 4096, "size");
  const outer = orRefuse("malformed", () => decode(envelope));
  demand(Array.isArray(outer) && outer.length === 2 && outer.every((part) => isBytes(part)));
  const [raw, box] = outer, head = header(raw);
  demand(suites.has(head.suite) && head.suite in SUITES, "suite");
  const key = recipients.get(hex(head.rkid));
  demand(key, "unknown-recipient");
  demand(key.suite === head.suite, "suite");
  const { encSize } = SUITES[head.suite];
  const fits = head.size <= MAX_SIZE && head.size === bucket(head.size);
  demand(fits && box.length === encSize + head.size + 16, "size");
  const { prot, body, signatures } = unpack(await decrypt(key, box, raw));
  const fields = protectedPart(prot);
  demand(same(fields.headerHash, sha256(raw)), "header-mismatch");
  const kids = proven(signatures, concat(SIGN, prot), signers);
  demand(kids, "signature");
  const content = fields.zip ? inflate(body) : body;
  demand(content.length <= MAX_CONTENT, "size");
  demand(same(sha256(content), fields.contentHash), "content-hash");
  return { header: head, protected: fields, prot, kids, content };
}

async function decrypt({ suite, key }, box, raw) {
  const { encSize, hpke } = SUITES[suite];
  try {
    const params = { recipientKey: key, enc: box.slice(0, encSize), info: concat(SEAL, raw) };
    return new Uint8Array(await hpke.open(params, box.slice(encSize)));
  } catch {
    throw new Refused("decrypt");
  }
}

function unpack(inner) {
  const [item, used] = orRefuse("malformed", () => decodeFirst(inner));
  demand(inner.subarray(used).every((byte) => byte === 0));
  demand(Array.isArray(item) && item.length === 3);
  const [prot, body, signatures] = item;
  demand(isBytes(prot) && isBytes(body) && Array.isArray(signatures));
  demand(signatures.length, "signature");
  demand(signatures.every(isSignature));
  return { prot, body, signatures };
}

function isSignature(item) {
  return Array.isArray(item) && item.length === 3 && isBytes(item[0], 16) && typeof item[1] === "bigint" && isBytes(item[2]);
}

function protectedPart(raw) {
  const item = versioned(raw, 10);
  const [headerHash, type, zip, contentHash, created, clock, boot, prev, audit] = [2, 3, 4, 5, 6, 7, 8, 9, 10].map(
    (key) => item.get(key),
  );
  demand([headerHash, contentHash, prev].every((hash) => isBytes(hash, 32)) && isBytes(boot, 16));
  demand(isText(type) && isText(zip, "deflate", "") && isText(clock, "ntp", "rtc", "unset") && isCount(created));
  demand(Array.isArray(audit) && audit.length === 2 && isCount(audit[0]) && isBytes(audit[1], 32));
  return { headerHash, type, zip, contentHash, created, clock, boot, prev, audit };
}

/** The whole of one zlib stream, and nothing after it. */
function inflate(body) {
  try {
    const { buffer, engine } = inflateSync(body, { maxOutputLength: MAX_CONTENT, info: true });
    demand(engine.bytesWritten === body.length);
    return new Uint8Array(buffer);
  } catch (error) {
    throw new Refused(error.code === "ERR_BUFFER_TOO_LARGE" ? "size" : "malformed");
  }
}

/** Seal `content`: what a cabin sends. `given` has mid, src, seq, prev, created, clock, boot, audit, type. */
export async function seal(content, { recipient, pair, compress, ...given }) {
  const body = compress ? new Uint8Array(deflateSync(content)) : content;
  const protect = (headerHash) =>
    encode(new Map([
      [1, 1], [2, headerHash], [3, given.type], [4, compress ? "deflate" : ""], [5, sha256(content)],
      [6, given.created], [7, given.clock], [8, given.boot], [9, given.prev], [10, given.audit],
    ]));
  const blank = [[pair.kid, -19, new Uint8Array(64)], [pair.kid, -49, new Uint8Array(3309)]];
  const size = bucket(encode([protect(new Uint8Array(32)), body, blank]).length);
  const raw = encode(new Map([
    [1, 1], [2, 1], [3, recipient.kid], [4, given.mid], [5, given.src], [6, given.seq], [7, size],
  ]));
  const prot = protect(sha256(raw));
  const inner = new Uint8Array(size);
  inner.set(encode([prot, body, signed(pair, concat(SIGN, prot))]));
  const params = { recipientPublicKey: recipient.key, info: concat(SEAL, raw) };
  const { enc, ct } = await SUITES[1].hpke.seal(params, inner);
  return { envelope: encode([raw, concat(new Uint8Array(enc), new Uint8Array(ct))]), protHash: sha256(prot) };
}

/** The receipt in `data`, once both signatures of a known signer verify. */
export function verifyReceipt(data, signers) {
  const outer = orRefuse("malformed", () => decode(data));
  demand(Array.isArray(outer) && outer.length === 2 && isBytes(outer[0]) && Array.isArray(outer[1]));
  const [raw, signatures] = outer;
  demand(signatures.every(isSignature));
  const item = versioned(raw, 8);
  const [mid, hash, status, reason, created, src, highest] = [2, 3, 4, 5, 6, 7, 8].map((key) => item.get(key));
  demand(isBytes(mid, 16) && isBytes(src, 16) && isBytes(hash, 32) && isCount(created) && isCount(highest));
  demand(isText(status, "stored", "duplicate", "rejected") && isText(reason));
  demand(proven(signatures, concat(RECEIPT, raw), signers), "signature");
  return { mid, hash, status, reason, created, src, highest };
}

