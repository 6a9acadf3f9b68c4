package dossier

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// nodeSum is a node's hash, as RFC 6962, 2.1 has it.
type nodeSum = [sha256.Size]byte

func leafHash(sealed []byte) nodeSum { return sha256.Sum256(append([]byte{0}, sealed...)) }

func nodeHash(left, right nodeSum) nodeSum {
	b := make([]byte, 0, 1+2*sha256.Size)
	b = append(append(append(b, 1), left[:]...), right[:]...)
	return sha256.Sum256(b)
}

// errTree says that leaves and hashes do not make a tree of that size.
var errTree = errors.New("leaves and hashes do not make the tree")

// tree computes a root from leaves that come one after another, and from the hashes of the subtrees between them.
type tree struct {
	hashes [][]byte
	next   func() (at int64, h nodeSum, more bool) // the next leaf that is known
	at     int64
	known  nodeSum
	more   bool
}

// root is that of a tree of a size. next gives the known leaves in order.
func root(size int64, hashes [][]byte, next func() (int64, nodeSum, bool)) (nodeSum, error) {
	t := tree{hashes: hashes, next: next}
	t.at, t.known, t.more = next()
	h, err := t.node(0, size)
	if err == nil && (t.more || len(t.hashes) > 0) {
		err = errTree
	}
	return h, err
}

// node is the hash over the leaves of [from, end).
func (t *tree) node(from, end int64) (nodeSum, error) {
	size := end - from
	switch {
	case size <= 0:
		return nodeSum{}, errTree
	case t.more && t.at < from: // out of order, or twice
		return nodeSum{}, errTree
	case !t.more || t.at >= end:
		if size&(size-1) == 0 {
			return t.given()
		}
	case size == 1:
		h := t.known
		t.at, t.known, t.more = t.next()
		return h, nil
	}
	split := int64(1) << (bits.Len64(uint64(size-1)) - 1)
	left, err := t.node(from, from+split)
	if err != nil {
		return nodeSum{}, err
	}
	right, err := t.node(from+split, end)
	return nodeHash(left, right), err
}

func (t *tree) given() (h nodeSum, err error) {
	if len(t.hashes) == 0 || len(t.hashes[0]) != len(h) {
		return h, errTree
	}
	copy(h[:], t.hashes[0])
	t.hashes = t.hashes[1:]
	return h, nil
}

// checkpoint is a signed tree head (C2SP tlog-checkpoint).
type checkpoint struct {
	origin string
	size   int64
	root   nodeSum
}

// openCheckpoint verifies a note by verifier keys in note format. Who signs is called like the origin.
func openCheckpoint(signed string, vkeys []string) (c checkpoint, err error) {
	verifiers := make([]note.Verifier, len(vkeys))
	for i, k := range vkeys {
		if verifiers[i], err = note.NewVerifier(k); err != nil {
			return c, errors.New("the verifier key is malformed")
		}
	}
	n, err := note.Open([]byte(signed), note.VerifierList(verifiers...))
	if err != nil {
		return c, errors.New("the checkpoint is not signed by this key")
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, errors.New("the checkpoint is malformed")
	}
	c.origin = lines[0]
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size <= 0 {
		return c, errors.New("the checkpoint is malformed")
	}
	c.size = size
	top, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(top) != len(c.root) {
		return c, errors.New("the checkpoint is malformed")
	}
	copy(c.root[:], top)
	for _, s := range n.Sigs {
		if s.Name == c.origin {
			return c, nil
		}
	}
	return c, errors.New("the checkpoint is not signed under its origin")
}
