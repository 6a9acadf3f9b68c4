package dest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/recovery/dest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// each runs f on a directory and on a bucket of a real S3 server.
func each(t *testing.T, f func(t *testing.T, d dest.Destination)) {
	t.Helper()
	s3 := testkit.StartMinio(t, "backups")
	for name, text := range map[string]string{
		"directory": filepath.Join(t.TempDir(), "made", "later"),
		"s3":        strings.Replace(s3.Bucket("backups"), "backups?", "backups/some/prefix?", 1),
	} {
		t.Run(name, func(t *testing.T) {
			d, err := dest.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			f(t, d)
		})
	}
}

func put(t *testing.T, d dest.Destination, name string, content []byte) {
	t.Helper()
	if err := d.Put(t.Context(), name, bytes.NewReader(content), int64(len(content))); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, d dest.Destination, name string) []byte {
	t.Helper()
	r, err := d.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return b
}

func names(t *testing.T, d dest.Destination, prefix string) []string {
	t.Helper()
	list, err := d.List(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, o := range list {
		got = append(got, fmt.Sprint(o.Name, " ", o.Size))
		if o.Modified.IsZero() || time.Since(o.Modified) > time.Hour {
			t.Errorf("%s was modified at %v", o.Name, o.Modified)
		}
	}
	return got
}

func TestDestinationKeepsObjects(t *testing.T) {
	each(t, func(t *testing.T, d dest.Destination) {
		if got := names(t, d, ""); len(got) != 0 {
			t.Errorf("an empty destination lists %v", got)
		}
		_, err := d.Open(t.Context(), "a/1")
		if !errs.Is(err, errs.NotFound) {
			t.Errorf("what is not there: %v", err)
		}
		big := bytes.Repeat([]byte("0123456789abcdef"), 17<<20/16) // in parts, at a bucket
		put(t, d, "a/1", []byte("one"))
		put(t, d, "a/2", nil)
		put(t, d, "ab/3.x-y", big)
		if diff := cmp.Diff([]string{"a/1 3", "a/2 0", fmt.Sprint("ab/3.x-y ", len(big))}, names(t, d, "")); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"a/1 3", "a/2 0"}, names(t, d, "a/")); diff != "" {
			t.Error(diff)
		}
		if !bytes.Equal(get(t, d, "ab/3.x-y"), big) {
			t.Error("a big object is not what was put")
		}
		put(t, d, "a/1", []byte("another"))
		if got := string(get(t, d, "a/1")); got != "another" {
			t.Errorf("replaced object holds %q", got)
		}
		for range 2 { // the second time it is not there any more
			if err := d.Remove(t.Context(), "a/1"); err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff([]string{"a/2 0"}, names(t, d, "a/")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFailedPutLeavesWhatWasThere(t *testing.T) {
	each(t, func(t *testing.T, d dest.Destination) {
		put(t, d, "a/1", []byte("before"))
		err := d.Put(t.Context(), "a/1", &failing{bytes.NewReader(make([]byte, 1<<20))}, 2<<20)
		if err == nil {
			t.Fatal("a source that broke off was kept")
		}
		if got := string(get(t, d, "a/1")); got != "before" {
			t.Errorf("it now holds %q", got)
		}
		if diff := cmp.Diff([]string{"a/1 6"}, names(t, d, "")); diff != "" {
			t.Error(diff)
		}
	})
}

// failing breaks off where it would end.
type failing struct{ *bytes.Reader }

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errors.New("the disk does not answer")
	}
	return n, err
}

func TestNamesStayInside(t *testing.T) {
	each(t, func(t *testing.T, d dest.Destination) {
		for _, name := range []string{"", "/a", "a/", "../a", "a/../../b", "a//b", ".", "A", "a b", "a\x00", `a\b`} {
			_, err := d.Open(t.Context(), name)
			for what, err := range map[string]error{
				"put": d.Put(t.Context(), name, bytes.NewReader(nil), 0), "open": err, "remove": d.Remove(t.Context(), name),
			} {
				if !errs.Is(err, errs.Invalid) {
					t.Errorf("%s %q: %v", what, name, err)
				}
			}
		}
	})
}

func TestKeepReadsBack(t *testing.T) {
	each(t, func(t *testing.T, d dest.Destination) {
		file := filepath.Join(t.TempDir(), "file")
		content := bytes.Repeat([]byte("sealed"), 1000)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := dest.Keep(t.Context(), d, "a/1", file, sha256.Sum256(content)); err != nil {
			t.Fatal(err)
		}
		changed := bytes.Clone(content)
		changed[4000] ^= 1
		err := dest.Keep(t.Context(), lying{d, changed}, "a/2", file, sha256.Sum256(content))
		if !errors.Is(err, dest.ErrDiffers) {
			t.Errorf("a destination that keeps something else: %v", err)
		}
		if diff := cmp.Diff([]string{"a/1 6000"}, names(t, d, "")); diff != "" {
			t.Error(diff)
		}
		put(t, d, "a/1", changed)
		if err := dest.Check(t.Context(), d, "a/1", sha256.Sum256(content)); !errors.Is(err, dest.ErrDiffers) {
			t.Errorf("one changed bit: %v", err)
		}
	})
}

// lying keeps something else than it is given.
type lying struct {
	dest.Destination
	instead []byte
}

func (l lying) Put(ctx context.Context, name string, _ io.ReadSeeker, _ int64) error {
	return l.Destination.Put(ctx, name, bytes.NewReader(l.instead), int64(len(l.instead)))
}

func TestCopyBringsAnObjectAcross(t *testing.T) {
	each(t, func(t *testing.T, d dest.Destination) {
		other, folder := dest.Dir(t.TempDir()), t.TempDir()
		content := []byte("sealed")
		put(t, other, "a/1", content)
		if err := dest.Copy(t.Context(), other, d, "a/1", folder, sha256.Sum256(content)); err != nil {
			t.Fatal(err)
		}
		if got := get(t, d, "a/1"); !bytes.Equal(got, content) {
			t.Errorf("copied %q", got)
		}
		put(t, other, "a/2", []byte("altered"))
		if err := dest.Copy(t.Context(), other, d, "a/2", folder, sha256.Sum256(content)); !errors.Is(err, dest.ErrDiffers) {
			t.Errorf("an altered copy: %v", err)
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
}

func TestWhatIsNoDestinationIsRefused(t *testing.T) {
	for _, text := range []string{"", "ftp://host/dir", "s3://", "s3://b/../c", "s3://b?endpoint=http://example.org", "s3://b?endpoint=host", "s3://b?secret=x", "s3://b?endpoint=https://h/path"} {
		if d, err := dest.Parse(text); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %v %v", text, d, err)
		}
	}
}

func TestBucketTellsWhatIsWrong(t *testing.T) {
	s3 := testkit.StartMinio(t, "backups")
	wrong := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(wrong, []byte("[default]\naws_access_key_id = "+s3.Key+"\naws_secret_access_key = guessed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		text string
		kind errs.Kind
	}{
		{s3.Bucket("nowhere"), errs.NotFound},
		{"s3://backups?endpoint=" + s3.URL + "&region=us-east-1&credentials=" + wrong, errs.Denied},
	} {
		d, err := dest.Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		err = d.Put(t.Context(), "a", strings.NewReader("x"), 1)
		if !errs.Is(err, tt.kind) || strings.Contains(err.Error(), "guessed") {
			t.Errorf("%s: %v", d, err)
		}
	}
	d, err := dest.Parse(s3.Bucket("backups"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s3.Stop(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := d.Put(ctx, "a", strings.NewReader("x"), 1); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a server that is gone: %v", err)
	}
}
