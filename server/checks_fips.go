package server

import (
	"context"
	"crypto/tls"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clienthello"
)

// fipsCheck asks the process what it runs on, and then the listener for what only FIPS mode
// refuses: a flag can be set without effect, a refusal cannot be pretended.
type fipsCheck struct {
	base      string
	enabled   func() bool
	module    func() string
	certified []string
}

// certifiedModules are the versions of the Go Cryptographic Module that hold a CMVP certificate
// (lib/fips140/certified.txt of the Go distribution).
func certifiedModules() []string { return []string{"v1.0.0"} }

// try says what the process runs on even where the listener cannot be asked.
func (c fipsCheck) try(ctx context.Context) tutela.Evidence {
	mode, modeHolds := c.process()
	refusals, refused, err := c.listener(ctx)
	e := observed(c.base, tutela.Pass, "%s; %s", mode, refusals)
	switch {
	case !modeHolds || err == nil && !refused:
		e.Verdict = tutela.Fail
	case err != nil:
		e.Verdict = tutela.CouldNotCheck
	}
	return e
}

// process reads what the process says of itself.
func (c fipsCheck) process() (said string, holds bool) {
	on, module := c.enabled(), c.module()
	known := slices.Contains(c.certified, module)
	said = "FIPS mode is off"
	if on {
		said = "FIPS mode is on"
	}
	said += ", Go Cryptographic Module " + module
	if !known {
		said += " is not a certified one"
	}
	return said, on && known
}

// listener offers what is not approved (SP 800-140C, SP 800-186), one thing at a time.
func (c fipsCheck) listener(ctx context.Context) (said string, refused bool, err error) {
	address, name, err := endpoint(c.base)
	if err == nil {
		err = accepts(ctx, address, helloOf(tls.VersionTLS13, name))
	}
	if err != nil {
		return "a refusal would prove nothing: " + err.Error(), false, err
	}
	curve, cipher := helloOf(tls.VersionTLS13, name), helloOf(tls.VersionTLS13, name)
	curve.Groups = []tls.CurveID{tls.X25519}
	cipher.Suites = []uint16{tls.TLS_CHACHA20_POLY1305_SHA256}
	group, err := clienthello.Offer(ctx, address, curve)
	if err != nil {
		return "X25519 was offered: " + err.Error(), false, err
	}
	suite, err := clienthello.Offer(ctx, address, cipher)
	if err != nil {
		return "ChaCha20-Poly1305 was offered: " + err.Error(), false, err
	}
	return "X25519 as the only group: " + group.String() + "; ChaCha20-Poly1305 as the only cipher: " + suite.String(),
		!group.Accepted && !suite.Accepted, nil
}
