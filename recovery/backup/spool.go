package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/tutela-health/tutela/recovery/sealed"
)

// spooled is a backup in a file of this machine, sealed, on its way to its destinations.
type spooled struct {
	file    string
	size    int64
	sha256  string
	changes int64
}

const spoolName = "backup-*.spool"

// sweep removes what a process that was killed left in a folder.
func sweep(folder string) error {
	left, err := filepath.Glob(filepath.Join(folder, spoolName))
	if err != nil {
		return err
	}
	for _, f := range left {
		err = errors.Join(err, os.Remove(f))
	}
	return err
}

// spool writes operations into a sealed file of a folder. The caller removes it.
func spool(ctx context.Context, folder string, p sealed.Place, to []sealed.Recipient, f func(*writer) error) (s spooled, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return s, fmt.Errorf("make room for a backup: %w", err)
	}
	out, err := os.CreateTemp(folder, spoolName)
	if err != nil {
		return s, fmt.Errorf("make room for a backup: %w", err)
	}
	s.file = out.Name()
	digest := sha256.New()
	s.changes, err = pour(ctx, io.MultiWriter(out, digest), p, to, f)
	if err == nil {
		s.size, err = out.Seek(0, io.SeekCurrent)
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return s, errors.Join(fmt.Errorf("write a backup: %w", err), os.Remove(s.file))
	}
	s.sha256 = hex.EncodeToString(digest.Sum(nil))
	return s, nil
}

// pour seals compressed operations.
func pour(ctx context.Context, out io.Writer, p sealed.Place, to []sealed.Recipient, f func(*writer) error) (int64, error) {
	seal, err := sealed.NewWriter(contextWriter{ctx, out}, p, to)
	if err != nil {
		return 0, err
	}
	// What is sealed already does not compress; what stands around it does, at any effort.
	pack, err := zstd.NewWriter(seal, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return 0, err
	}
	w := newWriter(pack)
	if err = f(w); err == nil {
		err = w.end()
	}
	if err = errors.Join(err, pack.Close()); err != nil {
		return w.changes, err
	}
	return w.changes, seal.Close()
}

// contextWriter ends with its context.
type contextWriter struct {
	ctx context.Context //nolint:containedctx // lives as long as the call
	to  io.Writer
}

func (w contextWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.to.Write(p)
}
