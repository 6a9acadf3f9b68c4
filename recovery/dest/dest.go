package dest

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
)

// Destination keeps objects. Methods may be called concurrently.
//
// Names are made of lower-case letters, digits, '.', '-' and '/', relative, without "." and ".." as
// elements. Every implementation passes dest_test.go.
type Destination interface {
	// String names it as people write it, without secrets.
	String() string
	// Put keeps an object, replacing one of that name. It MUST leave the whole object or what was
	// there before, also when the source, the destination or the process fails.
	Put(ctx context.Context, name string, from io.ReadSeeker, size int64) error
	// Open reads an object; errs.NotFound when there is none.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// List gives the objects of which the names start with a prefix, by name.
	List(ctx context.Context, prefix string) ([]Object, error)
	// Remove removes an object. Removing what is not there does nothing.
	Remove(ctx context.Context, name string) error
}

// Object is what a listing tells of an object.
type Object struct {
	Name     string
	Size     int64 // bytes
	Modified time.Time
}

// Parse finds the destination that a text names: a directory, or s3://BUCKET/PREFIX with the parameters
// endpoint (an https address; Amazon's where it is left out), region and credentials (a file as the AWS
// command line keeps it; the environment's where it is left out).
func Parse(text string) (Destination, error) {
	if rest, ok := strings.CutPrefix(text, "s3://"); ok {
		return parseS3(rest)
	}
	if text == "" || strings.Contains(text, "://") {
		return nil, errs.New(errs.Invalid, "a destination is a directory or s3://BUCKET/PREFIX, and not %q", text)
	}
	return Dir(text), nil
}

// Digest is SHA-256 over an object.
type Digest [sha256.Size]byte

// ErrDiffers says that what lies at a destination is not what was put there.
var ErrDiffers = errors.New("what lies there is not what was written")

// Keep puts a file under a name, reads it back from the destination and compares. What differs is
// removed again.
func Keep(ctx context.Context, d Destination, name, file string, want Digest) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("open what is to be kept: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("measure what is to be kept: %w", err)
	}
	if err := d.Put(ctx, name, f, info.Size()); err != nil {
		return fmt.Errorf("keep %s at %s: %w", name, d, err)
	}
	return confirm(ctx, d, name, want)
}

// confirm reads an object back; one that is not as it should be goes.
func confirm(ctx context.Context, d Destination, name string, want Digest) error {
	err := Check(ctx, d, name, want)
	if errors.Is(err, ErrDiffers) {
		err = errors.Join(err, d.Remove(context.WithoutCancel(ctx), name))
	}
	return err
}

// Check reads an object and compares it with its digest; ErrDiffers where it is another.
func Check(ctx context.Context, d Destination, name string, want Digest) error {
	r, err := d.Open(ctx, name)
	if err != nil {
		return fmt.Errorf("read back %s at %s: %w", name, d, err)
	}
	h := sha256.New()
	_, err = io.Copy(h, r)
	if err = errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("read back %s at %s: %w", name, d, err)
	}
	if subtle.ConstantTimeCompare(h.Sum(nil), want[:]) != 1 {
		return fmt.Errorf("%s at %s: %w", name, d, ErrDiffers)
	}
	return nil
}

// Copy brings an object from one destination to another, by way of a file in a folder, and verifies it.
func Copy(ctx context.Context, from, to Destination, name, folder string, want Digest) (err error) {
	f, err := os.CreateTemp(folder, "copy-*")
	if err != nil {
		return fmt.Errorf("make room for a copy: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	r, err := from.Open(ctx, name)
	if err != nil {
		return errors.Join(fmt.Errorf("copy %s from %s: %w", name, from, err), f.Close())
	}
	_, err = io.Copy(f, r)
	if err = errors.Join(err, r.Close(), f.Close()); err != nil {
		return fmt.Errorf("copy %s from %s: %w", name, from, err)
	}
	return Keep(ctx, to, name, f.Name(), want)
}

// checkName holds a name to the form that every destination can keep.
func checkName(name string) error {
	for _, part := range strings.Split(name, "/") {
		if part == "" || part == "." || part == ".." || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
			return errs.New(errs.Invalid, "%q is no name of an object", name)
		}
	}
	return nil
}

func notThere(name string) error { return errs.New(errs.NotFound, "there is no %s", name) }
