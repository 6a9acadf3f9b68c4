package supply

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"time"
)

// stamp is what a file system says of a file without its being read. The zero value is never trusted.
type stamp struct {
	Size    int64  `json:"size"`
	Written int64  `json:"written"` // nanoseconds since 1970
	Changed int64  `json:"changed"` // nanoseconds since 1970: unlike written, no program sets it as it likes
	Inode   uint64 `json:"inode"`
	Device  uint64 `json:"device"`
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{Size: info.Size(), Written: info.ModTime().UnixNano()}
	s.complete(info)
	return s
}

// seen is a file as a scan found it.
type seen struct {
	Stamp stamp  `json:"stamp"`
	At    int64  `json:"at"` // nanoseconds since 1970, before the scan listed it
	Sum   string `json:"sum"`
}

// settled is how long before it is looked at a file must have been left alone for its stamp to be trusted: what is
// written within one tick of a file system's clock may have the stamp of before (git calls such an index racy).
const settled = 2 * time.Second

// vouches reports whether a file of this stamp is the one that was seen.
func (s seen) vouches(now stamp) bool {
	return now.Changed != 0 && s.Stamp == now && max(now.Changed, now.Written) < s.At-int64(settled)
}

// Sum names the file's bytes. What did not change since the last scan is not read for it.
func (f File) Sum() (string, error) {
	sum, _, err := f.known()
	return sum, err
}

// known gives a file's sum, and its bytes where they had to be read for that.
func (f File) known() (sum string, text []byte, err error) {
	if sum, known := f.tree.cache.sum(f); known {
		return sum, nil, nil
	}
	if text, err = f.Read(); err != nil {
		return "", nil, err
	}
	sum = sumOf(text)
	f.tree.cache.see(f, sum)
	return sum, text, nil
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// sum is what is known of a file's bytes: from this scan, or from the last one if the file has not changed.
func (c *Cache) sum(f File) (string, bool) {
	if c == nil {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now, ok := c.saw[f.Path]; ok && now.Stamp == f.stamp {
		return now.Sum, true
	}
	old, ok := c.seen[f.Path]
	if !ok || !old.vouches(f.stamp) {
		return "", false
	}
	c.saw[f.Path] = old
	return old.Sum, true
}

func (c *Cache) see(f File, sum string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saw[f.Path] = seen{Stamp: f.stamp, At: f.tree.listed.UnixNano(), Sum: sum}
}
