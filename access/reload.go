package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Reload is what came of policy files that changed.
type Reload struct {
	Before string // the version in force until then
	Tried  string // the version of the files
	Err    error  // why they were refused: the version before stays in force
}

// Reloader keeps an Authorizer's policies to what a directory says. It is for one goroutine.
type Reloader struct {
	// Dir is the policy directory.
	Dir fs.FS
	// Authorizer is whose policies they are.
	Authorizer *Authorizer
	// Record makes a Reload durable. What could not be recorded does not count and is tried again.
	Record func(context.Context, Reload) error

	seen    string // the version that was looked at last
	settled string // the version that was last taken up or refused
}

// Look takes up the directory's policies if they are not those in force. Files that somebody may
// still be writing wait until two looks have seen the same; now does not wait. Refused files are not
// tried again until they change.
func (r *Reloader) Look(ctx context.Context, now bool) error {
	version, err := digest(r.Dir)
	if err != nil {
		version = "unreadable"
	}
	steady := now || version == r.seen
	r.seen = version
	before := r.Authorizer.Version()
	if version == before {
		r.settled = version
		return nil
	}
	if !steady || version == r.settled && !now {
		return nil
	}
	var p *Policies
	if err == nil {
		p, err = LoadPolicies(r.Dir)
	}
	if p != nil && p.version != version {
		return nil // changed while it was read: the next look will tell
	}
	if err := r.Record(ctx, Reload{Before: before, Tried: version, Err: err}); err != nil {
		return fmt.Errorf("record a reload of policies: %w", err)
	}
	r.settled = version
	if p != nil {
		r.Authorizer.Replace(p)
	}
	return nil
}

// digest names the files of a policy directory by their content.
func digest(dir fs.FS) (string, error) {
	names, err := fs.Glob(dir, "*.cedar")
	if err != nil || len(names) == 0 {
		return "", errors.Join(err, errors.New("no *.cedar file in the policy directory"))
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range append(names, schemaFile, classesFile) {
		text, err := fileOf(dir, name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:8]), nil
}

// Text is a Reload in a line, for the ledger.
func (r Reload) Text() string {
	if r.Err != nil {
		return shortened("refused, " + r.Before + " stays: " + r.Err.Error())
	}
	return "instead of " + r.Before
}

// maxText bounds what the ledger keeps of an error.
const maxText = 500

func shortened(text string) string {
	if len(text) > maxText {
		text = text[:maxText] + " …"
	}
	return strings.ToValidUTF8(text, "")
}
