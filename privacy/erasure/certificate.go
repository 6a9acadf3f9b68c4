package erasure

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// signContext is what a signature is for, so that it passes for no other.
const (
	signContext  = "tutela erasure certificate v1\n"
	signerSecret = "erasure-certificates"
)

// certify issues the certificate, or another one when more is final than the last one said.
func (s *Service) certify(ctx context.Context, e *Erasure) error {
	c, err := s.certificate(ctx, e)
	if err != nil {
		return err
	}
	if e.Certificate != nil && slices.Equal(e.Certificate.Missing, c.Missing) {
		return nil
	}
	if err := s.sign(ctx, &c); err != nil {
		return err
	}
	e.Certificate = &c
	if e.State != Done {
		return s.advance(ctx, e, Done, 0)
	}
	return s.save(ctx, s.entry(tutela.ActionErasureStep), e)
}

// certificate says what was done and what is missing.
func (s *Service) certificate(ctx context.Context, e *Erasure) (Certificate, error) {
	c := Certificate{
		Tenant: s.cfg.Keys.Tenant(), Erasure: e.ID, Patient: e.Pseudonym, AskedBy: e.AskedBy, ApprovedBy: e.ApprovedBy, Steps: e.Steps,
		Destroyed: []Destroyed{}, Issued: s.now(),
	}
	generations, err := s.cfg.DB.Generations(ctx)
	if err != nil {
		return c, err
	}
	for _, g := range generations {
		if g.Number >= e.Generation {
			continue
		}
		c.Destroyed = append(c.Destroyed, Destroyed{g.Number, g.Provider, g.Destroyed, g.Final})
		if g.Final.IsZero() {
			c.Missing = append(c.Missing, fmt.Sprintf("the key provider has not confirmed that generation %d is gone", g.Number))
		}
		wraps, err := s.wraps(ctx, g.Number)
		if err != nil {
			return c, err
		}
		if wraps > 0 {
			c.Missing = append(c.Missing, fmt.Sprintf("the holders of the recovery key still have %d wraps of generation %d: have them destroyed (tutela keys recovery destroyed)", wraps, g.Number))
		}
	}
	naming, err := s.cfg.Records.Naming(ctx, e.Patient)
	if err != nil {
		return c, err
	}
	if naming > 0 {
		c.Missing = append(c.Missing, fmt.Sprintf("%d records of others were written while the erasure was under way, and name the patient", naming))
	}
	old, err := s.cfg.Records.Unsealed(ctx, e.Patient)
	if err != nil {
		return c, err
	}
	if old > 0 {
		c.Missing = append(c.Missing, fmt.Sprintf("%d versions of resources that concerned others too were written by a release that sealed them for each: the others' keys open them in copies", old))
	}
	c.Final = len(c.Missing) == 0
	return c, nil
}

func (s *Service) wraps(ctx context.Context, generation int) (int, error) {
	if s.cfg.Wraps == nil {
		return 0, nil
	}
	return s.cfg.Wraps(ctx, generation)
}

func (s *Service) sign(ctx context.Context, c *Certificate) error {
	if err := s.cfg.Keys.MakeSecret(ctx, signerSecret); err != nil {
		return fmt.Errorf("make the key that signs certificates: %w", err)
	}
	seed, err := s.cfg.Keys.FindSecret(ctx, signerSecret)
	if err != nil {
		return err
	}
	defer clear(seed)
	key := ed25519.NewKeyFromSeed(seed)
	public, _ := key.Public().(ed25519.PublicKey)
	c.Key = base64.StdEncoding.EncodeToString(public)
	text, err := c.signed()
	if err == nil {
		c.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))
	}
	return err
}

// signed is what the signature covers.
func (c *Certificate) signed() ([]byte, error) {
	unsigned := *c
	unsigned.Signature = ""
	text, err := json.Marshal(unsigned)
	return append([]byte(signContext), text...), err
}

// Verify checks a certificate's signature. That its key is the system's own the ledger says.
func (c *Certificate) Verify() error {
	public, err := base64.StdEncoding.DecodeString(c.Key)
	signature, err2 := base64.StdEncoding.DecodeString(c.Signature)
	text, err3 := c.signed()
	if err != nil || err2 != nil || err3 != nil || len(public) != ed25519.PublicKeySize || !ed25519.Verify(public, text, signature) {
		return errs.New(errs.Invalid, "the certificate was altered, or is not signed by the key that it names")
	}
	return nil
}
