package keys

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
)

// Checks are what keys can show of themselves by trying.
func (r *Ring) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "protect.seals-hold", Title: "What is sealed opens whole, in its place and under its key, or not at all",
		Controls: []string{"P02", "45 CFR 164.312(a)(2)(iv)", "45 CFR 164.312(c)(1)", "45 CFR 164.312(c)(2)", "GDPR 32(1)(a)"}, Fresh: 24 * time.Hour,
		Try: sealCheck{r.Tenant(), r.throwaway}.try,
	}}
}

// sealer seals and opens, as a Key does.
type sealer interface {
	Seal(dst, plaintext []byte, aad AAD) []byte
	Open(dst, sealed []byte, aad AAD) ([]byte, error)
}

// throwaway is a patient's key that is never stored: of nobody.
func (r *Ring) throwaway(ctx context.Context) (sealer, error) {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails: it ends the process instead
	k, _, err := r.Prepare(ctx, tutela.KeyPatient, int64(binary.BigEndian.Uint64(id[:])|2))
	return k, err
}

// sealCheck seals a text under a key that is made for it, and opens it altered, moved and under another key.
type sealCheck struct {
	tenant tutela.Tenant
	key    func(context.Context) (sealer, error)
}

func (c sealCheck) try(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "keys that were made for the try"}
	k, err := c.key(ctx)
	var other sealer
	if err == nil {
		other, err = c.key(ctx)
	}
	if err != nil {
		e.Observed = fmt.Sprintf("no key could be made: %v", err)
		return e
	}
	place := AAD{Tenant: c.tenant, Purpose: "tutela-assess", Subject: []byte("subject"), ID: 1, Version: 1}
	plain := []byte("tutela-canary " + rand.Text())
	sealed := k.Seal(nil, plain, place)
	if got, err := k.Open(nil, sealed, place); err != nil || !bytes.Equal(got, plain) {
		e.Verdict, e.Observed = tutela.Fail, "what was sealed does not open where it belongs"
		return e
	}
	if wrong := exposed(k, plain, sealed, place); wrong != "" {
		e.Verdict, e.Observed = tutela.Fail, wrong
		return e
	}
	opened, tried := openings(k, other, sealed, place)
	if opened != "" {
		e.Verdict, e.Observed = tutela.Fail, "a sealed text opens "+opened
		return e
	}
	e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("a sealed text opened where it belongs, and in none of %d ways in which it was altered, cut, moved, or tried with another key", tried)
	return e
}

// exposed says what a sealed text gives away by itself.
func exposed(k sealer, plain, sealed []byte, place AAD) string {
	switch {
	case bytes.Contains(sealed, plain):
		return "a sealed text holds the text"
	case bytes.Equal(sealed, k.Seal(nil, plain, place)):
		return "the same text sealed twice looks alike"
	}
	return ""
}

// openings tries a sealed text as it should not open, and says in which way it does.
func openings(k, other sealer, sealed []byte, place AAD) (how string, tried int) {
	try := func(name string, with sealer, text []byte, at AAD) {
		tried++
		if _, err := with.Open(nil, text, at); err == nil && how == "" {
			how = name
		}
	}
	for i := range sealed {
		altered := bytes.Clone(sealed)
		altered[i] ^= 1
		try("although a bit of it was changed", k, altered, place)
	}
	for n := range len(sealed) {
		try("although its end is missing", k, sealed[:n], place)
	}
	moves := map[string]func(*AAD){
		"in another tenant": func(a *AAD) { a.Tenant += "x" }, "for another purpose": func(a *AAD) { a.Purpose += "x" },
		"for another subject": func(a *AAD) { a.Subject = []byte("another") }, "under another id": func(a *AAD) { a.ID++ }, "as another version": func(a *AAD) { a.Version++ },
	}
	for name, move := range moves {
		at := place
		move(&at)
		try(name, k, sealed, at)
	}
	try("under another patient's key", other, sealed, place)
	return how, tried
}
