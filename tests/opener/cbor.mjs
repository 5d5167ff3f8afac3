// CBOR in core deterministic encoding (RFC 8949 section 4.2.1): integers as BigInt, byte strings as Uint8Array, text,
// arrays, and maps with integer keys as Map. What is not in its one encoding throws.

const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const WIDTH = { 24: 1, 25: 2, 26: 4, 27: 8 };
const SMALLEST = { 24: 24n, 25: 1n << 8n, 26: 1n << 16n, 27: 1n << 32n };
const DEEPEST = 8;

/** The one item in `data`. */
export function decode(data) {
  const [value, used] = decodeFirst(data);
  if (used !== data.length) throw new Error("bytes follow the item");
  return value;
}

/** The first item in `data`, and how many bytes it takes. */
export function decodeFirst(data) {
  return item(data, 0, 0);
}

function item(data, start, depth) {
  if (depth > DEEPEST) throw new Error("nested too deep");
  const [major, number, at] = head(data, start);
  if (major === 0) return [number, at];
  if (major === 1) return [-1n - number, at];
  if (number > BigInt(data.length - at)) throw new Error("cut short");
  const count = Number(number);
  if (major === 2) return [data.slice(at, at + count), at + count];
  if (major === 3) return [TEXT.decode(data.subarray(at, at + count)), at + count];
  return major === 4 ? array(data, at, count, depth) : map(data, at, count, depth);
}

function head(data, start) {
  if (start >= data.length) throw new Error("cut short");
  const major = data[start] >> 5, short = data[start] & 31;
  if (major > 5 || short > 27) throw new Error("a kind that is not used");
  if (short < 24) return [major, BigInt(short), start + 1];
  const end = start + 1 + WIDTH[short];
  if (end > data.length) throw new Error("cut short");
  const number = data.subarray(start + 1, end).reduce((all, byte) => (all << 8n) | BigInt(byte), 0n);
  if (number < SMALLEST[short]) throw new Error("not in the shortest form");
  return [major, number, end];
}

function array(data, start, count, depth) {
  const items = [];
  let at = start;
  for (let left = count; left; left--) {
    const [value, next] = item(data, at, depth + 1);
    items.push(value);
    at = next;
  }
  return [items, at];
}

function map(data, start, count, depth) {
  const pairs = new Map();
  let at = start, last = -1n;
  for (let left = count; left; left--) {
    const [key, middle] = item(data, at, depth + 1);
    if (typeof key !== "bigint" || key <= last) throw new Error("keys are not unsigned and in order");
    const [value, next] = item(data, middle, depth + 1);
    pairs.set(Number(key), value);
    [at, last] = [next, key];
  }
  return [pairs, at];
}

/** The deterministic encoding of a value of these kinds; plain integers are taken as well. */
export function encode(value) {
  if (typeof value === "number" || typeof value === "bigint") {
    const number = BigInt(value);
    return number < 0n ? start(1, -1n - number) : start(0, number);
  }
  if (value instanceof Uint8Array) return concat(start(2, value.length), value);
  if (typeof value === "string") {
    const text = new TextEncoder().encode(value);
    return concat(start(3, text.length), text);
  }
  if (Array.isArray(value)) return concat(start(4, value.length), ...value.map(encode));
  const pairs = [...value].sort(([one], [other]) => one - other);
  return concat(start(5, pairs.length), ...pairs.flat().map(encode));
}

function start(major, count) {
  const number = BigInt(count), kind = major << 5;
  if (number < 24n) return Uint8Array.of(kind | Number(number));
  const short = [24, 25, 26, 27].find((each) => number < 1n << BigInt(8 * WIDTH[each]));
  const bytes = Array.from({ length: WIDTH[short] }, (_, place) => Number((number >> BigInt(8 * place)) & 255n));
  return Uint8Array.of(kind | short, ...bytes.reverse());
}

/** Byte strings one after the other. */
export function concat(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}
