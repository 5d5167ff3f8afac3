// Suites, key ids and the two signatures of DE1, over @hpke and @noble; Ed25519, P-384 and the hashes are Node's own.

import { createECDH, createHash, createPrivateKey, createPublicKey, sign, verify, webcrypto } from "node:crypto";
import { Aes256Gcm, CipherSuite, HkdfSha256, HkdfSha384 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { ml_dsa65 } from "@noble/post-quantum/ml-dsa.js";
import { ml_kem1024 } from "@noble/post-quantum/ml-kem.js";
import { concat } from "./cbor.mjs";

// Debian 12 has Node 18, where this is not yet there by itself.
globalThis.crypto ??= webcrypto;

const ASCII = new TextEncoder();
export const ED25519 = -19n, ML_DSA_65 = -49n;
const CONTEXT = { context: ASCII.encode("DE1") };

export const ascii = (text) => ASCII.encode(text);
export const sha256 = (data) => new Uint8Array(createHash("sha256").update(data).digest());
export const hex = (data) => Buffer.from(data).toString("hex");
export const same = (one, other) => Buffer.compare(one, other) === 0;

/** The 16-byte id of a raw public key. */
export const keyId = (raw) => sha256(concat(ascii("DE1/kid\0"), raw)).slice(0, 16);

/** MLKEM1024-P384 (0x0051) as @hpke/core wants a KEM: the lattice by @noble, the curve by Node. */
class MlKem1024P384 {
  id = 0x0051;
  secretSize = 32;
  encSize = 1665;
  publicKeySize = 1665;
  privateKeySize = 112;
  init() {}

  async decap({ recipientKey, enc }) {
    const secret = new Uint8Array(recipientKey.secret), wrapped = new Uint8Array(enc);
    const lattice = ml_kem1024.decapsulate(wrapped.subarray(0, 1568), ml_kem1024.keygen(secret.subarray(0, 64)).secretKey);
    const curve = createECDH("secp384r1"), point = wrapped.subarray(1568);
    curve.setPrivateKey(secret.subarray(64));
    const shared = curve.computeSecret(point);
    const all = concat(lattice, shared, point, curve.getPublicKey(), ascii("MLKEM1024-P384"));
    return new Uint8Array(createHash("sha3-256").update(all).digest()).buffer;
  }
}

const aead = () => new Aes256Gcm();
export const SUITES = {
  1: { encSize: 1120, hpke: new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: aead() }) },
  3: { encSize: 1665, hpke: new CipherSuite({ kem: new MlKem1024P384(), kdf: new HkdfSha384(), aead: aead() }) },
};

/** A private key that opens: `secret` is the X-Wing seed, or ML-KEM-1024's seed and the P-384 scalar. */
export async function recipient(suite, secret) {
  if (suite === 3) {
    const curve = createECDH("secp384r1");
    curve.setPrivateKey(secret.subarray(64));
    const raw = concat(ml_kem1024.keygen(secret.subarray(0, 64)).publicKey, curve.getPublicKey());
    return { suite, key: { type: "private", secret }, kid: keyId(raw), raw };
  }
  const { kem } = SUITES[1].hpke;
  const pair = await kem.generateKeyPairDerand(secret);
  const raw = new Uint8Array(await kem.serializePublicKey(pair.publicKey));
  return { suite, key: pair.privateKey, kid: keyId(raw), raw };
}

/** A public X-Wing key to seal to. */
export async function recipientPublic(raw) {
  return { suite: 1, key: await SUITES[1].hpke.kem.deserializePublicKey(raw), kid: keyId(raw) };
}

const der = (head, raw) => ({ key: Buffer.concat([Buffer.from(head, "hex"), raw]), format: "der" });

/** A signer's public keys: the Ed25519 key, 32 bytes, then the ML-DSA-65 key, 1952 bytes; both have one key id. */
export function signer(raw) {
  const ed = createPublicKey({ ...der("302a300506032b6570032100", raw.subarray(0, 32)), type: "spki" });
  return { kid: keyId(raw), ed, lattice: raw.slice(32) };
}

/** A pair that signs, from its two 32-byte seeds. */
export function signingPair(edSeed, latticeSeed) {
  const ed = createPrivateKey({ ...der("302e020100300506032b657004220420", edSeed), type: "pkcs8" });
  const lattice = ml_dsa65.keygen(latticeSeed);
  const edPublic = createPublicKey(ed).export({ type: "spki", format: "der" }).subarray(-32);
  return { kid: keyId(concat(edPublic, lattice.publicKey)), ed, lattice: lattice.secretKey };
}

/** Both signatures over a message, as they stand in an envelope. */
export function signed(pair, message) {
  return [
    [pair.kid, ED25519, new Uint8Array(sign(null, message, pair.ed))],
    [pair.kid, ML_DSA_65, ml_dsa65.sign(message, pair.lattice, CONTEXT)],
  ];
}

function verifies(one, alg, signature, message) {
  if (alg === ED25519) return signature.length === 64 && verify(null, message, one.ed, signature);
  return signature.length === 3309 && ml_dsa65.verify(signature, message, one.lattice, CONTEXT);
}

/** Key ids of the known signers of a message; null unless each has signed once with both algorithms, and rightly. */
export function proven(signatures, message, signers) {
  const known = signatures.filter(([kid, alg]) => signers.has(hex(kid)) && [ED25519, ML_DSA_65].includes(alg));
  const made = new Set(known.map(([kid, alg]) => `${hex(kid)} ${alg}`));
  const kids = new Set(known.map(([kid]) => hex(kid)));
  if (!known.length || made.size !== known.length || known.length !== 2 * kids.size) return null;
  return known.every(([kid, alg, value]) => verifies(signers.get(hex(kid)), alg, value, message)) ? [...kids] : null;
}
