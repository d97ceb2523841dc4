// SPDX-License-Identifier: Apache-2.0
// A stranger's SCITT client: npm @transmute/cose makes statements that we register, and verifies our
// statements and receipts. HTTP is Node's own fetch. Run where node_modules is:
//   node client.cjs BASE-URL STATEMENT-FILE ISSUER-JWK-FILE
// STATEMENT-FILE: made by `muniment sign --inline` with the ES256 key of ISSUER-JWK-FILE.
const fs = require("fs");
const { createHash } = require("crypto");
const cose = require(process.env.FOREIGN_MODULES + "/@transmute/cose");

const [base, statementFile, jwkFile] = process.argv.slice(2);
let passed = 0;
let failed = 0;

async function check(what, promise) {
  try {
    if ((await promise()) === false) throw new Error("is not so");
    passed++;
  } catch (error) {
    failed++;
    console.log(`FAIL: ${what}: ${error.stack ?? error}`);
  }
}

const refused = async (promise) => {
  try {
    await promise();
  } catch {
    return true;
  }
  return false;
};

const bytes = (response) => response.arrayBuffer().then((b) => new Uint8Array(b));
const b64url = (data) => Buffer.from(data).toString("base64url");
const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), createHash("sha256")).digest();

async function get(path, accept) {
  const response = await fetch(base + path, { headers: { accept } });
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
}

// Our entry bytes: the statement with its unprotected header emptied (docs/format/statement.md).
function leaf(statement) {
  const { value } = cose.cbor.decode(statement);
  const entry = cose.cbor.encode(new cose.cbor.Tagged(18, [value[0], new Map(), value[2], value[3]].map((v) => (v instanceof Map ? v : cose.cbor.toArrayBuffer(v)))));
  return { entry: new Uint8Array(entry), hash: sha256(Buffer.from([0]), Buffer.from(entry)) };
}

async function ledgerKeys() {
  const set = cose.cbor.decode(await bytes(await get("/.well-known/scitt-keys", "application/cbor")));
  if (!Array.isArray(set) || set.length === 0) throw new Error("scitt-keys is not a COSE_KeySet");
  return set;
}

async function receiptVerifier(keys) {
  return cose.detached.verifier({
    resolver: {
      resolve: async (receipt) => {
        const header = cose.cbor.decode(cose.cbor.decode(receipt).value[0]);
        const kid = Buffer.from(header.get(4));
        const key = keys.find((k) => k.get(2) && kid.equals(Buffer.from(k.get(2))));
        if (!key) throw new Error("no key with the receipt's kid in scitt-keys");
        const { kid: dropped, ...jwk } = await cose.key.convertCoseKeyToJsonWebKey(key);
        return jwk;
      },
    },
  });
}

async function makeStatement(number) {
  const secret = await cose.key.generate("ES256", "application/jwk+json");
  const jwk = cose.key.publicFromPrivate(secret);
  const { kid, alg, ...bare } = jwk;
  const key = new Map([...(await cose.key.convertJsonWebKeyToCoseKey(bare)).entries()].filter(([label]) => [1, -1, -2, -3].includes(label)));
  const thumbprint = await cose.key.thumbprint.calculateCoseKeyThumbprint(key);
  const claims = new Map([
    [1, await cose.key.thumbprint.calculateCoseKeyThumbprintUri(key)],
    [2, `npm/${number}`],
    [8, new Map([[1, key]])],
  ]);
  const signer = cose.attached.signer({ remote: cose.crypto.signer({ privateKeyJwk: secret }) });
  const statement = await signer.sign({
    protectedHeader: cose.ProtectedHeader([
      [1, -7],
      [3, "text/plain"],
      [4, thumbprint],
      [15, claims],
    ]),
    unprotectedHeader: new Map(),
    payload: new TextEncoder().encode(`document ${number}`),
  });
  return { statement: new Uint8Array(statement), jwk };
}

async function post(statement) {
  const response = await fetch(base + "/entries", {
    method: "POST",
    headers: { "content-type": "application/cose", accept: "application/cose" },
    body: statement,
  });
  const body = await bytes(response);
  if (response.status !== 201) throw new Error(`POST /entries: ${response.status} ${Buffer.from(body).toString("latin1")}`);
  return { receipt: body, location: new URL(response.headers.get("location"), base + "/entries").href };
}

const verifies = (statement, receipt, verifier) => cose.receipt.inclusion.verify({ entry: new Uint8Array(leaf(statement).hash), receipt, verifier });

async function registersTheirs(verifier) {
  for (let number = 0; number < 5; number++) {
    await check(`statement ${number} by @transmute/cose`, async () => {
      const { statement } = await makeStatement(number);
      const { receipt, location } = await post(statement);
      await verifies(statement, receipt, verifier);
      const again = await bytes(await fetch(location, { headers: { accept: "application/cose" } }));
      await verifies(statement, again, verifier);
      const repeated = await post(statement);
      if (repeated.location !== location) throw new Error("another location for the same statement");
      const other = (await makeStatement(100 + number)).statement;
      if (!(await refused(() => verifies(other, receipt, verifier)))) throw new Error("the receipt is good for another statement");
      const broken = receipt.slice();
      broken[broken.length - 5] ^= 1;
      return refused(() => verifies(statement, broken, verifier));
    });
  }
}

async function verifiesOurs(verifier) {
  const statement = new Uint8Array(fs.readFileSync(statementFile));
  const { kid, ...jwk } = JSON.parse(fs.readFileSync(jwkFile, "utf8"));
  const issuer = cose.attached.verifier({ resolver: { resolve: async () => ({ ...jwk, alg: "ES256" }) } });
  await check("our statement", async () => (await issuer.verify({ coseSign1: statement })).byteLength > 0);
  await check("a changed statement is refused", () => {
    const broken = statement.slice();
    broken[broken.length - 70] ^= 1;
    return refused(() => issuer.verify({ coseSign1: broken }));
  });
  await check("our statement's receipt", async () => {
    const { receipt, location } = await post(statement);
    await verifies(statement, receipt, verifier);
    const digest = sha256(Buffer.from(await issuer.verify({ coseSign1: statement })));
    const evidence = await bytes(await get(`/v1/documents/${digest.toString("hex")}/evidence`, "application/cose"));
    const [inside] = await cose.receipt.get(evidence);
    await verifies(statement, new Uint8Array(inside), verifier);
    const held = await bytes(await get(`/v1/documents/${digest.toString("hex")}/statement`, "application/scitt-statement+cose"));
    if (!Buffer.from(held).equals(Buffer.from(leaf(statement).entry))) throw new Error("/statement gives other bytes");
  });
}

async function checkpoint() {
  const lines = (await (await get("/checkpoint", "text/plain")).text()).split("\n");
  return { size: Number(lines[1]), root: new Uint8Array(Buffer.from(lines[2], "base64")) };
}

async function verifiesGrowth(verifier) {
  await check("our consistency receipt", async () => {
    const old = await checkpoint();
    for (let number = 200; number < 203; number++) await post((await makeStatement(number)).statement);
    const now = await checkpoint();
    if (now.size !== old.size + 3) throw new Error(`size ${now.size} after ${old.size} and 3 registrations`);
    const receipt = await bytes(await get(`/v1/consistency?from=${old.size}&to=${now.size}`, "application/cose"));
    return cose.receipt.consistency.verify({ oldRoot: old.root, newRoot: now.root, receipt, verifier });
  });
}

(async () => {
  let verifier;
  await check("scitt-keys", async () => {
    verifier = await receiptVerifier(await ledgerKeys());
  });
  if (verifier) {
    await registersTheirs(verifier);
    await verifiesOurs(verifier);
    await verifiesGrowth(verifier);
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed || !passed ? 1 : 0);
})();
