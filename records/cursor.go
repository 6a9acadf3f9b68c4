package records

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// Link is what a page link carries: the search and where it goes on. Sealed, since a search holds
// names and identifiers, and bound to the caller, since it stands for what that caller may see.
type Link struct {
	Type   string      `json:"type"`
	Params [][2]string `json:"params"`
	Cursor Cursor      `json:"cursor"`
	Shown  int         `json:"shown"` // matches on the pages before
}

func (s *Store) linkAAD(caller tutela.UserID) keys.AAD {
	return keys.AAD{Tenant: s.ring.Tenant(), Purpose: purposeCursor, Subject: []byte(caller)}
}

// SealLink makes the text of a page link: the general key's version, and the link sealed under it.
func (s *Store) SealLink(ctx context.Context, caller tutela.UserID, l Link) (string, error) {
	plain, err := json.Marshal(l)
	if err != nil {
		return "", fmt.Errorf("encode page link: %w", err)
	}
	k, err := s.ring.Current(ctx, tutela.KeyGeneral, 0)
	if err != nil {
		return "", err
	}
	out := binary.AppendUvarint(nil, uint64(k.Version()))
	return base64.RawURLEncoding.EncodeToString(k.Seal(out, plain, s.linkAAD(caller))), nil
}

// OpenLink reads a page link; one that is altered, or another caller's, is errs.Invalid.
func (s *Store) OpenLink(ctx context.Context, caller tutela.UserID, text string) (Link, error) {
	var l Link
	refused := errs.New(errs.Invalid, "not a page link of this search")
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return l, refused
	}
	version, n := binary.Uvarint(sealed)
	if n <= 0 || version == 0 || version > math.MaxInt32 {
		return l, refused
	}
	k, err := s.ring.At(ctx, tutela.KeyGeneral, 0, int(version))
	if errs.Is(err, errs.NotFound) {
		return l, refused
	}
	if err != nil {
		return l, err
	}
	plain, err := k.Open(nil, sealed[n:], s.linkAAD(caller))
	if err != nil || json.Unmarshal(plain, &l) != nil {
		return l, refused
	}
	return l, nil
}
