package audit

import (
	"golang.org/x/mod/sumdb/tlog"
)

// tileWidth is the number of hashes in a full tile: height 8, as C2SP tlog-tiles fixes it.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// tileID places a tile: hashes of level L each cover 256^L leaves.
type tileID struct{ level, index int64 }

// frontier is the right edge of the tree: of every level the hashes of its last, partial tile.
// Everything to its left is in full tiles that never change.
type frontier struct {
	size  int64
	edges [][]tlog.Hash // by level; fewer than tileWidth each
}

// push appends a leaf's hash. full receives each tile that the leaf completes.
func (f *frontier) push(leaf tlog.Hash, full func(tileID, []tlog.Hash)) {
	f.size++
	h := leaf
	for level := 0; ; level++ {
		if level == len(f.edges) {
			f.edges = append(f.edges, nil)
		}
		f.edges[level] = append(f.edges[level], h)
		if len(f.edges[level]) < tileWidth {
			return
		}
		done := f.edges[level]
		f.edges[level] = nil
		full(tileID{int64(level), f.size>>(tileHeight*(level+1)) - 1}, done)
		h = tileRoot(done)
	}
}

// edge calls yield with each partial tile.
func (f *frontier) edge(yield func(tileID, []tlog.Hash)) {
	for level, hashes := range f.edges {
		if len(hashes) > 0 {
			yield(tileID{int64(level), f.size >> (tileHeight * (level + 1))}, hashes)
		}
	}
}

// root is the RFC 6962 tree hash: the perfect subtrees along the edge, folded from the right.
func (f *frontier) root() tlog.Hash {
	var acc *tlog.Hash
	for _, hashes := range f.edges {
		for width := len(hashes); width > 0; width &= width - 1 {
			low := width & -width // the smallest perfect subtree, at the right end
			h := tileRoot(hashes[width-low : width])
			if acc != nil {
				h = tlog.NodeHash(h, *acc)
			}
			acc = &h
		}
	}
	if acc == nil {
		empty, _ := tlog.TreeHash(0, nil) // reads nothing
		return empty
	}
	return *acc
}

// tileRoot is the hash of the perfect subtree over 2^k hashes.
func tileRoot(hashes []tlog.Hash) tlog.Hash {
	var buf [tileWidth]tlog.Hash
	n := copy(buf[:], hashes)
	for ; n > 1; n /= 2 {
		for i := range n / 2 {
			buf[i] = tlog.NodeHash(buf[2*i], buf[2*i+1])
		}
	}
	return buf[0]
}

// tileWidthAt is how many hashes of a tile a tree of size leaves has: 0 to 256.
func tileWidthAt(id tileID, size int64) int {
	if id.level < 0 || id.level > 7 {
		return 0
	}
	hashes := size >> (tileHeight * id.level) // at this level
	if id.index < 0 || id.index > hashes/tileWidth {
		return 0
	}
	return int(min(hashes-id.index*tileWidth, tileWidth))
}

// appendHashes is a tile's stored form.
func appendHashes(dst []byte, hashes []tlog.Hash) []byte {
	for _, h := range hashes {
		dst = append(dst, h[:]...)
	}
	return dst
}

// splitHashes is appendHashes' reverse; a rest that is no hash is left out.
func splitHashes(data []byte) []tlog.Hash {
	hashes := make([]tlog.Hash, len(data)/tlog.HashSize)
	for i := range hashes {
		copy(hashes[i][:], data[i*tlog.HashSize:])
	}
	return hashes
}
