// SPDX-License-Identifier: Apache-2.0

// A stranger's auditor: reads a log over HTTP with golang.org/x/mod/sumdb/tlog and sumdb/note only, while the log
// grows. It polls the checkpoint, then proves that the trees continue each other, that sampled entries
// are in the newest and in the first, and that all entries together give the signed root.
//
//	foreign -url http://127.0.0.1:8080 -vkey VKEY -origin NAME [-seconds 5] [-sample 200] [-seed 1] [-all]
package main

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"muniment.invalid/foreign/verdict"
)

const tileHeight = 8

var (
	base   = flag.String("url", "", "base URL of the ledger, without a slash at the end")
	vkey   = flag.String("vkey", "", "the log's verifier key")
	origin = flag.String("origin", "", "the log's name")
	watch  = flag.Float64("seconds", 5, "how long checkpoints are gathered")
	sample = flag.Int("sample", 200, "entries that are proved")
	seed   = flag.Int64("seed", 1, "of the sample")
	all    = flag.Bool("all", false, "hash every entry and compare the root")
	unix   = flag.String("unix", "", "path of the service's socket")

	client = &http.Client{Timeout: 30 * time.Second}
)

func get(path string) ([]byte, http.Header, error) {
	response, err := client.Get(*base + "/" + path)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s for %s", response.Status, path)
	}
	return body, response.Header, err
}

// checkpoint opens the note and reads the three lines of a C2SP checkpoint.
func checkpoint(message []byte) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(*vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(message, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != *origin {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s: %q", *origin, opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("size %q", lines[1])
	}
	hash, err := tlog.ParseHash(lines[2])
	if err != nil {
		return tlog.Tree{}, err
	}
	if base64.StdEncoding.EncodeToString(hash[:]) != lines[2] {
		return tlog.Tree{}, errors.New("root is not canonical base64")
	}
	return tlog.Tree{N: size, Hash: hash}, nil
}

// tiles reads hash tiles of height 8 from tile/L/N[.p/W] and keeps them.
type tiles struct {
	mutex sync.Mutex
	kept  map[string][]byte
}

func (t *tiles) Height() int                     { return tileHeight }
func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func path(tile tlog.Tile) string                 { return "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/") }
func (t *tiles) read(tile tlog.Tile) ([]byte, error) {
	name := path(tile)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if data, have := t.kept[name]; have {
		return data, nil
	}
	data, header, err := get(name)
	if err != nil {
		return nil, err
	}
	if kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")); kind != "application/octet-stream" {
		return nil, fmt.Errorf("%s has Content-Type %q", name, header.Get("Content-Type"))
	}
	t.kept[name] = data
	return data, nil
}

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		data, err := t.read(tile)
		if err != nil {
			return nil, err
		}
		found[i] = data
	}
	return found, nil
}

// bundle reads entries n*256 to n*256+width.
func bundle(n int64, width int) ([][]byte, error) {
	name := path(tlog.Tile{H: tileHeight, L: -1, N: n, W: width})
	name = strings.Replace(name, "tile/data/", "tile/entries/", 1)
	data, _, err := get(name)
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s is cut off", name)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries, data = append(entries, data[2:end]), data[end:]
	}
	if len(entries) != width {
		return nil, fmt.Errorf("%s holds %d entries", name, len(entries))
	}
	return entries, nil
}

func widthOf(n, size int64) int {
	return int(min(256, size-n*256))
}

func proveEntries(tree tlog.Tree, reader tlog.HashReader, random *rand.Rand, count int) {
	for range count {
		index := random.Int63n(tree.N)
		entries, err := bundle(index/256, widthOf(index/256, tree.N))
		if !verdict.Check(err, "bundle of entry %d", index) {
			continue
		}
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if verdict.Check(err, "proof of entry %d in %d", index, tree.N) {
			verdict.Check(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entries[index%256])), "entry %d in %d", index, tree.N)
		}
	}
}

// hashAll computes the root from nothing but the entries.
func hashAll(tree tlog.Tree) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for n := int64(0); n*256 < tree.N; n++ {
		entries, err := bundle(n, widthOf(n, tree.N))
		if err != nil {
			return err
		}
		for i, entry := range entries {
			hashes, err := tlog.StoredHashes(n*256+int64(i), entry, reader)
			if err != nil {
				return err
			}
			stored = append(stored, hashes...)
		}
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err == nil && root != tree.Hash {
		err = errors.New("the entries give another root than the checkpoint")
	}
	return err
}

func gather() []tlog.Tree {
	var trees []tlog.Tree
	until := time.Now().Add(time.Duration(*watch * float64(time.Second)))
	for first := true; first || time.Now().Before(until); first = false {
		message, header, err := get("checkpoint")
		if !verdict.Check(err, "checkpoint") {
			return trees
		}
		kind, parameters, _ := mime.ParseMediaType(header.Get("Content-Type"))
		if kind != "text/plain" || !strings.EqualFold(parameters["charset"], "utf-8") {
			verdict.Check(fmt.Errorf("%q", header.Get("Content-Type")), "Content-Type of the checkpoint")
		}
		tree, err := checkpoint(message)
		if !verdict.Check(err, "checkpoint %q", message) {
			return trees
		}
		if len(trees) == 0 || trees[len(trees)-1] != tree {
			trees = append(trees, tree)
		}
		time.Sleep(150 * time.Millisecond)
	}
	return trees
}

func proveGrowth(trees []tlog.Tree, reader tlog.HashReader) {
	newest := trees[len(trees)-1]
	for i, older := range trees[:len(trees)-1] {
		if next := trees[i+1]; older.N >= next.N {
			verdict.Check(fmt.Errorf("%d after %d", next.N, older.N), "checkpoints go on")
		}
		proof, err := tlog.ProveTree(newest.N, older.N, reader)
		if verdict.Check(err, "consistency %d to %d", older.N, newest.N) {
			verdict.Check(tlog.CheckTree(proof, newest.N, newest.Hash, older.N, older.Hash), "consistency %d to %d", older.N, newest.N)
		}
	}
}

// zipped asks for gzip in so many words, and compares with what comes without.
func zipped(name string) error {
	plain, _, err := get(name)
	if err != nil {
		return err
	}
	request, _ := http.NewRequest("GET", *base+"/"+name, nil)
	request.Header.Set("Accept-Encoding", "gzip")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.Header.Get("Content-Encoding") != "gzip" {
		return fmt.Errorf("Content-Encoding %q", response.Header.Get("Content-Encoding"))
	}
	reader, err := gzip.NewReader(response.Body)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(reader)
	if err == nil && string(body) != string(plain) {
		err = errors.New("other bytes than without gzip")
	}
	return err
}

func audit() {
	trees := gather()
	if len(trees) == 0 {
		return
	}
	random := rand.New(rand.NewSource(*seed))
	oldest, newest := trees[0], trees[len(trees)-1]
	reader := tlog.TileHashReader(newest, &tiles{kept: map[string][]byte{}})
	proveGrowth(trees, reader)
	proveEntries(newest, reader, random, *sample)
	// A client that stopped at an older checkpoint needs the partial tiles of its size.
	for _, tree := range []tlog.Tree{oldest, trees[len(trees)/2]} {
		proveEntries(tree, tlog.TileHashReader(tree, &tiles{kept: map[string][]byte{}}), random, *sample/10)
	}
	if newest.N >= 256 {
		verdict.Check(zipped("tile/entries/000"), "gzip of a bundle")
	}
	if *all {
		verdict.Check(hashAll(newest), "all %d entries", newest.N)
	}
	fmt.Printf("%d checkpoints, sizes %d to %d\n", len(trees), oldest.N, newest.N)
}

func main() {
	flag.Parse()
	if *unix != "" {
		client.Transport = &http.Transport{Dial: func(string, string) (net.Conn, error) { return net.Dial("unix", *unix) }}
	}
	audit()
	verdict.Exit()
}
