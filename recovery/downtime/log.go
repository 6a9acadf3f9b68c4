package downtime

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
)

// Opening is one line of a file's log.
type Opening struct {
	Number int       `json:"n"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"` // as they said
	On     string    `json:"on"`  // machine and its account
	MAC    string    `json:"mac"` // of the line before and this one, in hexadecimal
}

// LogPath is where the log of a file lies.
func LogPath(file string) string { return file + ".log" }

// mac binds a line to all before it.
func (f *File) mac(before []byte, o Opening) (string, error) {
	o.MAC = ""
	line, err := json.Marshal(o)
	if err != nil {
		return "", fmt.Errorf("encode log line: %w", err)
	}
	m := hmac.New(sha256.New, f.logKey)
	m.Write(before)
	m.Write(line)
	return hex.EncodeToString(m.Sum(nil)), nil
}

// Log reads a file's log and holds every line to its chain; none where there is no log yet.
func (f *File) Log(path string) ([]Opening, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	var list []Opening
	before := f.origin[:]
	for line := range bytes.Lines(text) {
		var o Opening
		bad := json.Unmarshal(line, &o) != nil || o.Number != len(list)+1
		want, err := f.mac(before, o)
		if err != nil {
			return nil, err
		}
		if bad || !hmac.Equal([]byte(want), []byte(o.MAC)) {
			return nil, errs.New(errs.Conflict, "line %d of %s is not as it was written: keep the file and tell the privacy officer", len(list)+1, path)
		}
		before = []byte(o.MAC)
		list = append(list, o)
	}
	return list, nil
}

// Note adds a line to a file's log, durably, before anything is shown.
func (f *File) Note(path string, at time.Time, who, on string) error {
	list, err := f.Log(path)
	if err != nil {
		return err
	}
	before := f.origin[:]
	if len(list) > 0 {
		before = []byte(list[len(list)-1].MAC)
	}
	o := Opening{Number: len(list) + 1, At: at.UTC().Truncate(time.Second), Who: who, On: on}
	if o.MAC, err = f.mac(before, o); err != nil {
		return err
	}
	line, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encode log line: %w", err)
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	_, err = out.Write(append(line, '\n'))
	return errors.Join(err, out.Sync(), out.Close())
}
