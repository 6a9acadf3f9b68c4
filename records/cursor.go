package records

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

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

// SealLink makes the text of a page link.
func (s *Store) SealLink(caller tutela.UserID, l Link) (string, error) {
	plain, err := json.Marshal(l)
	if err != nil {
		return "", fmt.Errorf("encode page link: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.cursor.Seal(nil, plain, s.linkAAD(caller))), nil
}

// OpenLink reads a page link; one that is altered, or another caller's, is errs.Invalid.
func (s *Store) OpenLink(caller tutela.UserID, text string) (Link, error) {
	var l Link
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return l, errs.New(errs.Invalid, "not a page link of this search")
	}
	plain, err := s.cursor.Open(nil, sealed, s.linkAAD(caller))
	if err != nil {
		return l, errs.New(errs.Invalid, "not a page link of this search")
	}
	if err := json.Unmarshal(plain, &l); err != nil {
		return l, errs.New(errs.Invalid, "not a page link of this search")
	}
	return l, nil
}
