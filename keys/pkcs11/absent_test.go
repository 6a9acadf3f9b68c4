//go:build !pkcs11

package pkcs11

import (
	"strings"
	"testing"

	"github.com/tutela-health/tutela/internal/errs"
)

func TestOpenSaysHowToBuildIt(t *testing.T) {
	_, err := Open(t.Context(), Config{})
	if !errs.Is(err, errs.Unsupported) || !strings.Contains(errs.Public(err), "go build -tags pkcs11") {
		t.Errorf("error %v, want one that says how to build", err)
	}
}
