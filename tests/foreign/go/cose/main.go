// SPDX-License-Identifier: Apache-2.0

// A stranger's SCITT client in Go: veraison/go-cose makes the statements and verifies what the service signs,
// transparency-dev/merkle folds the proofs. From the RFCs: 9052 (COSE), 9942 (receipts), 9943 (statements), 9679 (thumbprints).
//
//	cose -url http://127.0.0.1:8080
package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/veraison/go-cose"

	"muniment.invalid/foreign/verdict"
)

const (
	receiptProofs = int64(396) // RFC 9942
	inclusion     = int64(-1)
	consistency   = int64(-2)
	vds           = int64(395)
	hashAlgorithm = int64(258) // RFC 9995
	preimageType  = int64(259)
)

var (
	base        = flag.String("url", "", "base URL of the ledger, without a slash at the end")
	client      = &http.Client{Timeout: 30 * time.Second}
	serviceKeys []cose.Key
)

func ask(method, where string, body io.Reader, fields map[string]string) (int, http.Header, []byte, error) {
	request, err := http.NewRequest(method, where, body)
	if err != nil {
		return 0, nil, nil, err
	}
	for name, value := range fields {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, content, err
}

func get(path, accept string) ([]byte, error) {
	status, _, content, err := ask("GET", *base+path, nil, map[string]string{"Accept": accept})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d for %s: %q", status, path, content)
	}
	return content, err
}

// post sends a statement, in chunks where the length is hidden from the HTTP client.
func post(statement []byte, hidden bool) (int, http.Header, []byte, error) {
	var body io.Reader = bytes.NewReader(statement)
	if hidden {
		body = io.NopCloser(body)
	}
	return ask("POST", *base+"/entries", body, map[string]string{"Content-Type": `application/cose; cose-type="cose-sign1"`, "Accept": "application/cose"})
}

// ---- Keys -----------------------------------------------------------------------------------------------------------

// readKeys takes the key set, and each of its keys by the URL that its kid gives.
func readKeys() error {
	set, err := get("/.well-known/scitt-keys", "application/cbor")
	if err != nil {
		return err
	}
	if err := cbor.Unmarshal(set, &serviceKeys); err != nil || len(serviceKeys) == 0 {
		return fmt.Errorf("no COSE_KeySet: %v", err)
	}
	for _, key := range serviceKeys {
		one, err := get("/.well-known/scitt-keys/"+base64.RawURLEncoding.EncodeToString(key.ID), "application/cbor")
		if err != nil {
			return err
		}
		var alone cose.Key
		if err := alone.UnmarshalCBOR(one); err != nil || !bytes.Equal(alone.ID, key.ID) {
			return fmt.Errorf("key %x by its URL: %v", key.ID, err)
		}
	}
	return nil
}

// verifierOf gives the service's key that a message names.
func verifierOf(message *cose.Sign1Message) (cose.Verifier, error) {
	kid, _ := message.Headers.Protected[cose.HeaderLabelKeyID].([]byte)
	for _, key := range serviceKeys {
		if bytes.Equal(key.ID, kid) {
			return key.Verifier()
		}
	}
	return nil, fmt.Errorf("no key %x in the key set", kid)
}

// bare is a public key as COSE_Key with the required members alone, and its thumbprint.
func bare(public crypto.PublicKey) (map[int]any, []byte) {
	members := map[int]any{}
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		size := (key.Params().BitSize + 7) / 8
		curve := map[int]int{256: 1, 384: 2, 521: 3}[key.Params().BitSize]
		members = map[int]any{1: 2, -1: curve, -2: key.X.FillBytes(make([]byte, size)), -3: key.Y.FillBytes(make([]byte, size))}
	case ed25519.PublicKey:
		members = map[int]any{1: 1, -1: 6, -2: []byte(key)}
	case *rsa.PublicKey:
		members = map[int]any{1: 3, -1: key.N.Bytes(), -2: big.NewInt(int64(key.E)).Bytes()}
	}
	encoding, _ := cbor.CoreDetEncOptions().EncMode()
	bytes, _ := encoding.Marshal(members)
	sum := sha256.Sum256(bytes)
	return members, sum[:]
}

// ---- Statements -----------------------------------------------------------------------------------------------------

type maker struct {
	algorithm cose.Algorithm
	signer    crypto.Signer
	members   map[int]any
	kid       []byte
}

func makers() []maker {
	var made []maker
	add := func(algorithm cose.Algorithm, signer crypto.Signer, err error) {
		if verdict.Check(err, "a key for %v", algorithm) {
			members, kid := bare(signer.Public())
			made = append(made, maker{algorithm, signer, members, kid})
		}
	}
	for algorithm, curve := range map[cose.Algorithm]elliptic.Curve{
		cose.AlgorithmES256: elliptic.P256(), cose.AlgorithmES384: elliptic.P384(), cose.AlgorithmES512: elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		add(algorithm, key, err)
	}
	_, edward, err := ed25519.GenerateKey(rand.Reader)
	add(cose.AlgorithmEdDSA, edward, err)
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	add(cose.AlgorithmPS256, long, err)
	return made
}

func (m maker) claims(subject string, confirmation any) cose.CWTClaims {
	claims := cose.CWTClaims{
		cose.CWTClaimIssuer: "urn:ietf:params:oauth:ckt:sha-256:" + base64.RawURLEncoding.EncodeToString(m.kid), cose.CWTClaimSubject: subject,
		cose.CWTClaimIssuedAt: time.Now().Unix()}
	if confirmation != nil {
		claims[cose.CWTClaimConfirmation] = map[int]any{1: confirmation}
	}
	return claims
}

func (m maker) certificate() ([]byte, error) {
	form := &x509.Certificate{SerialNumber: big.NewInt(7), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	return x509.CreateCertificate(rand.Reader, form, form, m.signer.Public(), m.signer)
}

func (m maker) sign(payload []byte, protected cose.ProtectedHeader, unprotected cose.UnprotectedHeader) ([]byte, error) {
	signer, err := cose.NewSigner(m.algorithm, m.signer)
	if err != nil {
		return nil, err
	}
	protected[cose.HeaderLabelAlgorithm] = m.algorithm
	return cose.Sign1(rand.Reader, signer, cose.Headers{Protected: protected, Unprotected: unprotected}, payload, nil)
}

// kinds makes one statement of each kind.
func (m maker) kinds() map[string][]byte {
	made := map[string][]byte{}
	add := func(name string, payload []byte, protected cose.ProtectedHeader, unprotected cose.UnprotectedHeader) {
		statement, err := m.sign(payload, protected, unprotected)
		if verdict.Check(err, "%v makes %s", m.algorithm, name) {
			made[name] = statement
		}
	}
	digest := sha256.Sum256([]byte("kept elsewhere"))
	add("a document", []byte("text"), cose.ProtectedHeader{cose.HeaderLabelKeyID: m.kid, cose.HeaderLabelContentType: "text/plain",
		cose.HeaderLabelCWTClaims: m.claims("go/document", m.members)}, nil)
	add("a hash envelope", digest[:], cose.ProtectedHeader{cose.HeaderLabelKeyID: m.kid, hashAlgorithm: int64(-16), preimageType: "application/pdf",
		cose.HeaderLabelCWTClaims: m.claims("go/envelope", m.members)}, nil)
	add("crit and typ", []byte("{}"), cose.ProtectedHeader{cose.HeaderLabelCritical: []any{cose.HeaderLabelCWTClaims}, cose.HeaderLabelKeyID: []byte("mine"),
		cose.HeaderLabelType: "application/example+cose", cose.HeaderLabelCWTClaims: m.claims("go/crit", m.members)}, nil)
	add("unprotected content", []byte("text"), cose.ProtectedHeader{cose.HeaderLabelKeyID: m.kid, cose.HeaderLabelCWTClaims: m.claims("go/unprotected", m.members)},
		cose.UnprotectedHeader{"note": map[any]any{int64(1): []any{true, nil, 1.5}}, int64(-70000): []byte("x")})
	if whole, err := cose.NewKeyFromPublic(m.signer.Public()); err == nil { // go-cose has no RSA keys
		add("a key of go-cose", []byte("text"), cose.ProtectedHeader{cose.HeaderLabelKeyID: m.kid, cose.HeaderLabelCWTClaims: m.claims("go/key", whole)}, nil)
	}
	if der, err := m.certificate(); verdict.Check(err, "certificate of %v", m.algorithm) {
		sum := sha256.Sum256(der)
		add("a certificate", []byte("text"), cose.ProtectedHeader{cose.HeaderLabelX5Chain: der, cose.HeaderLabelX5T: []any{int64(-16), sum[:]},
			cose.HeaderLabelCWTClaims: m.claims("go/certificate", nil)}, nil)
	}
	return made
}

// ---- Receipts -------------------------------------------------------------------------------------------------------

func proofOf(receipt *cose.Sign1Message, kind int64, into any) error {
	proofs, ok := receipt.Headers.Unprotected[receiptProofs].(map[any]any)
	if !ok {
		return errors.New("no proofs in the receipt")
	}
	list, ok := proofs[kind].([]any)
	if !ok || len(list) != 1 {
		return fmt.Errorf("not one proof of kind %d", kind)
	}
	return cbor.Unmarshal(list[0].([]byte), into)
}

// leafOf hashes the statement as it is logged: with an empty unprotected header.
func leafOf(statement []byte) ([]byte, error) {
	var message cose.Sign1Message
	if err := message.UnmarshalCBOR(statement); err != nil {
		return nil, err
	}
	message.Headers.Unprotected, message.Headers.RawUnprotected = cose.UnprotectedHeader{}, nil
	entry, err := message.MarshalCBOR()
	return rfc6962.DefaultHasher.HashLeaf(entry), err
}

// opened reads a receipt with one proof of this kind, which goes to path; its payload is missing, and its signature not verified.
func opened(receipt []byte, kind int64, path any) (*cose.Sign1Message, cose.Verifier, error) {
	var message cose.Sign1Message
	if err := message.UnmarshalCBOR(receipt); err != nil {
		return nil, nil, err
	}
	if message.Payload != nil || message.Headers.Protected[vds] != int64(1) {
		return nil, nil, errors.New("not a detached receipt of RFC9162_SHA256")
	}
	if err := proofOf(&message, kind, path); err != nil {
		return nil, nil, err
	}
	verifier, err := verifierOf(&message)
	return &message, verifier, err
}

func included(statement, receipt []byte) error {
	var path struct {
		_           struct{} `cbor:",toarray"`
		Size, Index uint64
		Hashes      [][]byte
	}
	message, verifier, err := opened(receipt, inclusion, &path)
	if err != nil {
		return err
	}
	leaf, err := leafOf(statement)
	if err != nil {
		return err
	}
	message.Payload, err = proof.RootFromInclusionProof(rfc6962.DefaultHasher, path.Index, path.Size, leaf, path.Hashes)
	if err != nil {
		return err
	}
	return message.Verify(nil, verifier)
}

// continues verifies the consistency receipt from size 2 against the roots that the service tells.
func continues() error {
	told, err := get("/v1/consistency?from=2", "application/json")
	if err != nil {
		return err
	}
	var roots struct {
		From, To uint64
		Old      []byte `json:"from_root"`
		New      []byte `json:"to_root"`
		Hashes   [][]byte
	}
	if err := json.Unmarshal(told, &roots); err != nil {
		return err
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, roots.From, roots.To, roots.Hashes, roots.Old, roots.New); err != nil {
		return err
	}
	receipt, err := get("/v1/consistency?from=2", "application/cose")
	if err != nil {
		return err
	}
	var path struct {
		_        struct{} `cbor:",toarray"`
		From, To uint64
		Hashes   [][]byte
	}
	message, verifier, err := opened(receipt, consistency, &path)
	if err != nil {
		return err
	}
	if path.From != roots.From || path.To != roots.To {
		return fmt.Errorf("a receipt from %d to %d, told were %d and %d", path.From, path.To, roots.From, roots.To)
	}
	message.Payload = roots.New
	return message.Verify(nil, verifier)
}

// ---- The tests ------------------------------------------------------------------------------------------------------

func registers(name string, statement []byte, hidden bool) {
	status, header, receipt, err := post(statement, hidden)
	if err == nil && status != http.StatusCreated {
		err = fmt.Errorf("%d %q", status, receipt)
	}
	if !verdict.Check(err, "registering %s", name) {
		return
	}
	verdict.Check(included(statement, receipt), "receipt of %s", name)
	here, _ := url.Parse(*base + "/entries")
	there, err := here.Parse(header.Get("Location"))
	if !verdict.Check(err, "Location %q", header.Get("Location")) {
		return
	}
	_, _, again, err := ask("GET", there.String(), nil, nil)
	verdict.Check(errors.Join(err, included(statement, again)), "receipt at the location of %s", name)
	changed := bytes.Clone(receipt)
	changed[len(changed)-1] ^= 1
	if included(statement, changed) == nil {
		verdict.Check(errors.New("verifies"), "a changed receipt of %s", name)
	}
}

func refused(name string, statement []byte, title string) {
	status, header, content, err := post(statement, false)
	var problem map[int]any
	if err == nil {
		err = cbor.Unmarshal(content, &problem)
	}
	if err == nil && (status != 400 || problem[-1] != title || !strings.HasPrefix(header.Get("Content-Type"), "application/concise-problem-details+cbor")) {
		err = fmt.Errorf("%d %v", status, problem)
	}
	verdict.Check(err, "%s is refused", name)
}

func main() {
	flag.Parse()
	verdict.Check(readKeys(), "keys")
	for number, maker := range makers() {
		for name, statement := range maker.kinds() {
			registers(fmt.Sprintf("%s by %v", name, maker.algorithm), statement, number%2 == 1)
			if name != "a document" {
				continue
			}
			refused("no tag", statement[1:], "Malformed request")
			broken := bytes.Clone(statement)
			broken[len(broken)-1] ^= 1
			refused("a wrong signature", broken, "Rejected")
		}
	}
	verdict.Check(continues(), "consistency receipt")
	verdict.Exit()
}
