package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier/binder"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// A package verifies with the key from a file or as it is; one that was changed, or another key, ends in 1, and what is none
// in 2.
func TestExitCodesTellWhatWasFound(t *testing.T) {
	r := rig.Open(t, rig.Config{})
	r.Put(t, `{"resourceType":"Patient","id":"ann"}`)
	b := binder.New(binder.Config{Audit: r.Audit, Clock: clock.System, Tenant: "rig", Sources: func(context.Context) ([]binder.Source, error) { return nil, nil }})
	entry := tutela.Entry{Actor: tutela.Actor{ID: "u-aud", Kind: tutela.ActorPerson, Name: "auditor"}}
	plan, err := b.Plan(t.Context(), entry, binder.Asked{})
	must(t, err)
	var text bytes.Buffer
	_, err = b.Write(t.Context(), &text, entry, plan)
	must(t, err)
	vkeys, err := r.Audit.VerifierKeys(t.Context())
	must(t, err)

	dir := t.TempDir()
	put := func(name string, text []byte) string {
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file, text, 0o600))
		return file
	}
	st, err := b.State(t.Context(), "answers", `{"a":1}`)
	must(t, err)
	stated, err := json.Marshal(st)
	must(t, err)
	forged := bytes.Replace(stated, []byte(`{\"a\":1}`), []byte(`{\"a\":2}`), 1)
	pack, key := put("package.zip", text.Bytes()), put("key", []byte(strings.Join(vkeys, "\n")+"\n"))
	changed := bytes.Replace(text.Bytes(), []byte("index.html"), []byte("index.htmm"), 2)
	wrong := put("other", []byte("other.example/log+8f3b4a2c+ATx6q0l0n8mVqVdI8yZ0zB8n2xPXpVv6tQq2kH6q5k7d\n"))
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitClean, "every one of the period", []string{"--key", key, pack}},
		{exitClean, "every one of the period", []string{"--key", vkeys[0], pack}},
		{exitClean, `"problems":[]`, []string{"--key", key, "--format", "json", pack}},
		{exitFound, "NOT what the ledger says", []string{"--key", key, put("changed.zip", changed)}},
		{exitFound, "PROBLEM", []string{"--key", wrong, pack}},
		{exitClean, `"answers", entry`, []string{"--key", key, put("answers.json", stated)}},
		{exitClean, `"text":"{\"a\":1}"`, []string{"--key", key, "--format", "json", put("answers.json", stated)}},
		{exitFound, "NOT what the ledger says", []string{"--key", key, put("forged.json", forged)}},
		{exitFound, "PROBLEM", []string{"--key", wrong, put("answers.json", stated)}},
		{exitError, "this is no statement", []string{"--key", key, put("none.json", []byte("{}"))}},
		{exitError, "bytes at most", []string{"--key", key, put("long.json", bytes.Repeat([]byte("{"), 2<<20))}},
		{exitError, "no zip file", []string{"--key", key, key}},
		{exitError, "no such file", []string{"--key", key, pack + "x"}},
		{exitError, "read the verifier key", []string{"--key", key + "x", pack}},
		{exitError, "holds no key", []string{"--key", put("empty", nil), pack}},
		{exitError, "tutela-verify --key ledger.key", []string{pack}},
		{exitError, "tutela-verify --key ledger.key", []string{"--key", key, "--format", "xml", pack}},
		{exitClean, "Exit code 0", []string{"--help"}},
	} {
		var out, complaint bytes.Buffer
		if code := run(c.args, &out, &complaint); code != c.code || !strings.Contains(out.String()+complaint.String(), c.says) {
			t.Errorf("%q: %d %s%s; want %d and %q", c.args, code, out.String(), complaint.String(), c.code, c.says)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
