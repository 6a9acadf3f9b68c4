package supply

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A file is known without being read only while its stamp is that of before, and was left alone long before it was
// seen: what a file system's clock cannot tell apart is read again.
func TestStampsAreTrustedWithDoubt(t *testing.T) {
	second := int64(time.Second)
	was := stamp{Size: 3, Written: 100 * second, Changed: 100 * second, Inode: 7, Device: 1}
	at := seen{Stamp: was, At: 200 * second, Sum: "x"}
	for name, c := range map[string]struct {
		seen seen
		now  func(*stamp)
		want bool
	}{
		"left alone":              {at, func(*stamp) {}, true},
		"another size":            {at, func(s *stamp) { s.Size++ }, false},
		"written":                 {at, func(s *stamp) { s.Written++ }, false},
		"its time was set back":   {at, func(s *stamp) { s.Changed += 150 * second }, false},
		"another file moved here": {at, func(s *stamp) { s.Inode++ }, false},
		"another device":          {at, func(s *stamp) { s.Device++ }, false},
		"seen as it was written":  {seen{was, 101 * second, "x"}, func(*stamp) {}, false},
		"seen before it was":      {seen{was, 1 * second, "x"}, func(*stamp) {}, false},
		"a system without stamps": {seen{stamp{Size: 3}, 200 * second, "x"}, func(s *stamp) { *s = stamp{Size: 3} }, false},
	} {
		now := was
		c.now(&now)
		if got := c.seen.vouches(now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What was left alone since the last scan is not opened; what changed is.
func TestWhatIsKnownIsNotRead(t *testing.T) {
	dir, folder := t.TempDir(), t.TempDir()
	file := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(file, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	known := func(later time.Duration) (sum string, read bool) {
		t.Helper()
		tree, err := OpenTree(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tree.Close() }()
		tree.listed = tree.listed.Add(later) // as if the scan had come so much later
		if tree.cache, err = OpenCache(folder, dir); err != nil {
			t.Fatal(err)
		}
		sum, text, err := tree.Files[0].known()
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.cache.Save(nil); err != nil {
			t.Fatal(err)
		}
		return sum, text != nil
	}
	first, read := known(time.Minute)
	if !read {
		t.Error("what nobody saw is known")
	}
	if again, read := known(time.Minute); read || again != first {
		t.Error("it is read again")
	}
	if err := os.WriteFile(file, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if other, read := known(0); !read || other == first {
		t.Error("what changed is not read")
	}
	if _, read := known(0); !read {
		t.Error("what was written at the moment of the scan is believed")
	}
}
