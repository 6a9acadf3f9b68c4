//go:build !pkcs11

package pkcs11

import (
	"context"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// Open says how to build a program that can.
func Open(context.Context, Config) (keys.Provider, error) {
	return nil, errs.New(errs.Unsupported, "this tutela was built without PKCS#11, which needs a C compiler: "+
		"build it with CGO_ENABLED=1 GOFIPS140=certified go build -tags pkcs11 ./cmd/tutela")
}
