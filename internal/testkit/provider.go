package testkit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// ProviderConfig is what e2e/clients/provider.mjs works with. Clients register themselves.
type ProviderConfig struct {
	People map[string]ProviderPerson `json:"people"`
}

// ProviderPerson is somebody whom the provider knows by a name, which is the sub too.
type ProviderPerson struct {
	Claims map[string]any `json:"claims"`
	ACR    string         `json:"acr,omitempty"`
	AMR    []string       `json:"amr,omitempty"`
}

// OutsideProvider starts npm's oidc-provider on a free loopback port, gives its issuer, and has it
// end with the test, or when stop is called.
func OutsideProvider(t testing.TB, c ProviderConfig) (issuer string, stop func()) {
	t.Helper()
	arg, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := UseNode(t).Command(context.WithoutCancel(t.Context()), "provider.mjs", string(arg))
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.Env = append(os.Environ(), "NODE_ENV=test", "NODE_NO_WARNINGS=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		_ = in.Close() // the script ends with its input
		if err := cmd.Wait(); err != nil {
			t.Errorf("provider: %v", err)
		}
		if t.Failed() {
			t.Logf("provider: %s", said.Bytes())
		}
	}
	t.Cleanup(stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(fmt.Errorf("the provider did not start: %w", err))
	}
	return strings.TrimSpace(line), stop
}
