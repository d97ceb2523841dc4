// SPDX-License-Identifier: Apache-2.0
// The verify core as WebAssembly under Node: size, imports, and the reports of docs/format/example.json.
// [VER-2] [VER-3] [VER-4]
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { nodeCrypto } from "../../web/core/crypto-node.mjs";
import { Verifier } from "../../web/core/verifier.mjs";

const LARGEST = 150 * 1024;
const path = process.env.MUN_WASM;
const example = JSON.parse(readFileSync(new URL("../../docs/format/example.json", import.meta.url)));
const module = new WebAssembly.Module(readFileSync(path));
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
// A report names what it was made from by a member of the example, or holds it as hex itself.
const input = (value) => bytes(example[value] ?? value);

function verifierWith(roles) {
  const verifier = new Verifier(module, nodeCrypto);
  const add = {
    issuer: () => verifier.addKey("issuer", example.issuer.thumbprint_uri, bytes(example.issuer.cose_key)),
    ledger: () => verifier.addLedger(example.ledger.ledger_pub),
    witness: () => verifier.addKey("witness", example.witness.name, bytes(example.witness.cose_key)),
  };
  for (const role of roles) add[role]();
  return verifier;
}

const plain = (report) =>
  report.checks === undefined
    ? { verdict: report.verdict }
    : { verdict: report.verdict, checks: report.checks.map(({ id, result }) => ({ id, result })) };

test(`at most ${LARGEST} bytes`, () => assert.ok(statSync(path).size <= LARGEST, `${statSync(path).size} bytes`));

test("no imports but the table of digests and signatures", () =>
  assert.deepEqual(
    WebAssembly.Module.imports(module).map(({ module: from, name, kind }) => `${from}.${name} ${kind}`).sort(),
    ["muniment.digest function", "muniment.sha256 function", "muniment.verify function"],
  ));

assert.ok(example.reports.length >= 10, "example.json holds reports");
for (const { what, evidence, document, trusted, report } of example.reports) {
  test(`report: ${what}`, () => {
    const verifier = verifierWith(trusted);
    const got = verifier.verify(input(evidence), document === null || document === undefined ? undefined : input(document));
    assert.deepEqual(plain(got), plain(report));
    for (const check of got.checks ?? []) assert.ok(check.sentence.length > 0, check.id);
  });
}

test("every bit of the evidence counts: none of its changes gives verdict 0, nor stops the core", () => {
  const verifier = verifierWith(["issuer", "ledger"]);
  const evidence = input("evidence");
  const document = input("document");
  const unsigned = { good: 0, refused: 0 };
  for (let at = 0; at < evidence.length; at++) {
    const changed = Uint8Array.from(evidence);
    changed[at] ^= 1 << at % 8;
    unsigned[verifier.verify(changed, document).verdict === 0 ? "good" : "refused"]++;
  }
  // What stays valid lies in the tlog-proofs and other unprotected parts beside a good receipt.
  assert.ok(unsigned.refused > 400, JSON.stringify(unsigned));
});

test("truncated evidence is malformed at every length", () => {
  const verifier = verifierWith(["issuer", "ledger"]);
  const evidence = input("evidence");
  for (let length = 0; length < evidence.length; length++) {
    assert.equal(verifier.verify(evidence.subarray(0, length)).verdict, 4, `${length} bytes`);
  }
});

test("evidence and keys over their limits are refused, not truncated", () => {
  const verifier = verifierWith([]);
  assert.equal(verifier.verify(new Uint8Array((1 << 20) + 1)).verdict, 4);
  assert.throws(() => verifier.addKey("issuer", "x".repeat(70000), bytes(example.issuer.cose_key)), RangeError);
  assert.throws(() => {
    for (let i = 0; i <= 64; i++) verifier.addKey("issuer", `name ${i}`, bytes(example.issuer.cose_key));
  }, /refused/);
});
