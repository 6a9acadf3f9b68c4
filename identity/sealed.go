package identity

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// SealText seals what a browser carries for the server from one page to the next. purpose keeps
// texts of one kind from being taken for another's.
func (s *Service) SealText(ctx context.Context, purpose string, plain []byte) (string, error) {
	k, err := s.ring.Current(ctx, tutela.KeyGeneral, 0)
	if err != nil {
		return "", err
	}
	return strconv.Itoa(k.Version()) + "." + base64.RawURLEncoding.EncodeToString(k.Seal(nil, plain, s.textAAD(purpose))), nil
}

// OpenText opens what SealText sealed. Whatever else comes is errs.Invalid.
func (s *Service) OpenText(ctx context.Context, purpose, text string) ([]byte, error) {
	invalid := errs.New(errs.Invalid, "the request is not one that this server made, or is too old")
	head, body, _ := strings.Cut(text, ".")
	version, err := strconv.ParseUint(head, 10, 31)
	if err != nil || version == 0 || strings.ContainsAny(body, "\r\n") { // which base64 would skip
		return nil, invalid
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, invalid
	}
	k, err := s.ring.At(ctx, tutela.KeyGeneral, 0, int(version))
	if errs.Is(err, errs.NotFound) {
		return nil, invalid
	}
	if err != nil {
		return nil, err
	}
	plain, err := k.Open(nil, sealed, s.textAAD(purpose))
	if err != nil {
		return nil, invalid
	}
	return plain, nil
}

func (s *Service) textAAD(purpose string) keys.AAD {
	return keys.AAD{Tenant: s.ring.Tenant(), Purpose: "identity-text", Subject: []byte(purpose)}
}
