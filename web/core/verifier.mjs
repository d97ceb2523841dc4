// SPDX-License-Identifier: Apache-2.0
// The verify core (build/wasm/muniment-verify.wasm) for a JavaScript host. The host gives a table of
// three synchronous functions: for Node it is in crypto-node.mjs; a page brings its own.
//
//   table.digest(name, parts)                  name: "sha256", "sha384", "sha512"; gives a Uint8Array
//   table.verify(alg, key, parts, signature)   alg: COSE number; true, false, or null: not supported
//
// A Verifier belongs to one caller at a time. Numbers that C calls mun_code are given below.

const MUN_E_INVALID = 1;
const MUN_E_UNSUPPORTED = 6;
const HASHES = { 16: "sha256", 43: "sha384", 44: "sha512" }; // minus the COSE identifier
const ROLES = { issuer: 0, ledger: 1, witness: 2 };

export class Verifier {
  #core;
  #table;

  constructor(module, table) {
    this.#table = table;
    this.#core = new WebAssembly.Instance(module, {
      muniment: {
        sha256: (parts, n, ret) => this.#bytes(ret, 32).set(table.digest("sha256", this.#parts(parts, n))),
        digest: (alg, parts, n, ret) => this.#digest(alg, parts, n, ret),
        verify: (...given) => this.#verifySignature(...given),
      },
    }).exports;
  }

  #bytes(address, length) {
    return new Uint8Array(this.#core.memory.buffer, address >>> 0, length >>> 0);
  }

  #parts(address, n) {
    const view = new DataView(this.#core.memory.buffer, address >>> 0, n * 8);
    return Array.from({ length: n }, (_, i) =>
      this.#bytes(view.getUint32(8 * i, true), view.getUint32(8 * i + 4, true)));
  }

  #digest(alg, parts, n, ret) {
    const name = HASHES[-alg];
    if (name === undefined) return 0;
    const digest = this.#table.digest(name, this.#parts(parts, n));
    this.#bytes(ret, digest.length).set(digest);
    return digest.length;
  }

  #verifySignature(alg, kty, crv, first, firstLength, second, secondLength, parts, n, signature, signatureLength) {
    const key = { kty, crv, first: this.#bytes(first, firstLength), second: this.#bytes(second, secondLength) };
    const good = this.#table.verify(alg, key, this.#parts(parts, n), this.#bytes(signature, signatureLength));
    return good === null ? MUN_E_UNSUPPORTED : good ? 0 : MUN_E_INVALID;
  }

  #put(...parts) {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length > this.#core.input_size()) throw new RangeError(`too long by ${length - this.#core.input_size()} bytes`);
    let at = this.#core.input();
    for (const part of parts) {
      this.#bytes(at, part.length).set(part);
      at += part.length;
    }
    return length;
  }

  #must(code, what) {
    if (code < 0) throw new Error(`${what}: refused by the verify core (code ${-code})`);
    return code;
  }

  #report() {
    return JSON.parse(new TextDecoder().decode(this.#bytes(this.#core.report(), this.#core.report_len())));
  }

  clearKeys() {
    this.#core.clear_keys();
  }

  // role: "issuer", "ledger", "witness"; coseKey: Uint8Array; trusted false: known only.
  addKey(role, name, coseKey, { trusted = true, kids = [] } = {}) {
    const text = new TextEncoder().encode(name);
    this.#put(text, coseKey);
    this.#must(this.#core.add_key(ROLES[role], trusted ? 1 : 0, text.length, coseKey.length), `key of ${name}`);
    for (const kid of kids) this.#must(this.#core.add_kid(this.#put(kid)), `key id of ${name}`);
  }

  // The text of a ledger.pub: both keys of the ledger.
  addLedger(text, { trusted = true } = {}) {
    this.#must(this.#core.add_ledger(trusted ? 1 : 0, this.#put(new TextEncoder().encode(text))), "ledger.pub");
  }

  // evidence, document: Uint8Array; document may be undefined. Gives the report; verdict 4: malformed.
  verify(evidence, document) {
    if (evidence.length > this.#core.evidence_size()) return { verdict: 4, error: "the evidence is larger than 1 MiB" };
    this.#bytes(this.#core.evidence(), evidence.length).set(evidence);
    let digest = new Uint8Array();
    if (document !== undefined) {
      const hash = this.#core.document_hash(evidence.length);
      if (hash < 0) return this.#report();
      if (hash > 0) digest = this.#table.digest(HASHES[hash], [document]);
    }
    this.#put(digest);
    this.#core.verify(evidence.length, document === undefined ? 0 : 1, digest.length);
    return this.#report();
  }
}
