// node open.mjs --key KEY --signer PUBLIC [--signer PUBLIC ...] ENVELOPE   the content of one envelope
// node open.mjs --signer PUBLIC --receipt RECEIPT                          what a receipt says
// node open.mjs --serve                                                    questions as JSON lines, for the tests
//
// KEY and PUBLIC are the JSON files of `cabin keys`. Exit code 1: refused, with one of the nine codes on stderr.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { open, Refused, seal, verifyReceipt } from "./de1.mjs";
import { hex, recipient, recipientPublic, sha256, signer, signingPair } from "./keys.mjs";

const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"));

/** Byte strings as hex and big numbers as numbers, for JSON. */
function plain(value) {
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

const byKid = (keys) => new Map(keys.map((key) => [hex(key.kid), key]));

async function policyOf({ recipients = [], signers = [], suites = [1] }) {
  const keys = await Promise.all(recipients.map(([suite, secret]) => recipient(suite, bytes(secret))));
  return { recipients: byKid(keys), signers: byKid(signers.map((raw) => signer(bytes(raw)))), suites: new Set(suites) };
}

let policy = await policyOf({});

const ANSWERS = {
  async policy(asked) {
    policy = await policyOf(asked);
    return { kids: [...policy.recipients.keys(), ...policy.signers.keys()] };
  },
  async open({ envelope, whole }) {
    const { content, ...opened } = await open(bytes(envelope), policy);
    return { ...opened, length: content.length, hash: sha256(content), ...(whole && { content }) };
  },
  async seal({ content, to, seeds, fields, compress }) {
    const binary = ["mid", "src", "prev", "boot"].map((name) => [name, bytes(fields[name])]);
    const audit = [fields.audit[0], bytes(fields.audit[1])];
    const keys = { recipient: await recipientPublic(bytes(to)), pair: signingPair(...seeds.map(bytes)), compress };
    return seal(bytes(content), { ...fields, ...Object.fromEntries(binary), audit, ...keys });
  },
  async receipt({ receipt }) {
    return verifyReceipt(bytes(receipt), policy.signers);
  },
};

async function answer(line) {
  const { ask, ...question } = JSON.parse(line);
  try {
    return plain(await ANSWERS[ask](question));
  } catch (error) {
    if (error instanceof Refused) return { refused: error.code };
    return { failed: String(error.stack) };
  }
}

async function serve() {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
  }
}

function options(words) {
  const found = { signer: [] };
  for (let at = 0; at < words.length; at++) {
    const name = words[at].replace(/^--/, "");
    if (name === words[at]) found.file = name;
    else if (name === "signer") found.signer.push(words[++at]);
    else found[name] = words[++at];
  }
  return found;
}

const file = (name) => JSON.parse(readFileSync(name, "utf-8"));

/** One file, opened for whoever sits at the terminal. */
async function once(words) {
  const asked = options(words);
  const signers = asked.signer.map((name) => file(name).key);
  const key = asked.key && file(asked.key);
  policy = await policyOf({ signers, recipients: key ? [[key.suite, key.secret]] : [], suites: key ? [key.suite] : [] });
  if (asked.receipt) {
    console.log(JSON.stringify(plain(verifyReceipt(new Uint8Array(readFileSync(asked.receipt)), policy.signers))));
    return;
  }
  const { content, ...rest } = await open(new Uint8Array(readFileSync(asked.file)), policy);
  process.stderr.write(`${JSON.stringify(plain(rest))}\n`);
  process.stdout.write(content);
}

if (process.argv.includes("--serve")) {
  await serve();
} else {
  try {
    await once(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`refused: ${error instanceof Refused ? error.code : error.message}\n`);
    process.exitCode = error instanceof Refused ? 1 : 3;
  }
}
