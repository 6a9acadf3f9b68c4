package server_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/dossier/binder"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/server"
)

// An auditor takes a package out, and the ledger says so; it verifies, and has no patient's data: who is not to read the ledger
// gets none.
func TestAuditorsTakePackages(t *testing.T) {
	var packages *binder.Binder
	s := newSite(t, func(c *server.Config) { packages = c.API.Packages })
	s.Put(t, `{"resourceType":"Patient","id":"canary-id","name":[{"family":"Canarysson"}]}`)
	for _, as := range []string{"physician", "nurse", "billing", "researcher", "developer", admin, rig.Loader} {
		expect(t, s.Do(t, rig.Call{As: as, Method: http.MethodPost, Path: "/api/v1/packages"}), 403)
	}
	a := s.Do(t, rig.Call{As: auditor, Method: http.MethodPost, Path: "/api/v1/packages"})
	expect(t, a, 200)
	vkeys, err := s.Audit.VerifierKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := dossier.Verify(bytes.NewReader(a.Body), int64(len(a.Body)), vkeys...)
	if err != nil || !r.Good() || r.Rows["access"] == 0 {
		t.Errorf("%v %+v", err, r)
	}
	for name, text := range unzipped(t, a.Body) {
		if bytes.Contains(text, []byte("Canarysson")) || bytes.Contains(text, []byte("canary-id")) {
			t.Errorf("%s has a patient's data", name)
		}
	}
	done, err := packages.Alone()
	if err != nil {
		t.Fatal(err)
	}
	expect(t, s.Do(t, rig.Call{As: auditor, Method: http.MethodPost, Path: "/api/v1/packages"}), 409)
	done()
	made := 0
	for _, e := range s.entries(t, tutela.ActionPackageMake) {
		if e.Outcome == tutela.OutcomeSuccess {
			made++
		}
	}
	if sealed := s.entries(t, tutela.ActionPackageSeal); made != 1 || len(sealed) != 1 || sealed[0].Actor.Name == "" {
		t.Errorf("the ledger has %d and %+v", made, sealed)
	}
}

// A package that cannot be finished is cut off: whoever asked for it sees that it is not whole.
func TestPackagesThatFailAreCutOff(t *testing.T) {
	s := newSite(t, func(c *server.Config) {
		c.API.Packages = binder.New(binder.Config{Audit: c.Audit, Clock: clock.System, Tenant: "rig", Sources: func(context.Context) ([]binder.Source, error) {
			return []binder.Source{{Name: "a", Write: func(context.Context, io.Writer) error { return errors.New("it cannot be read") }}}, nil
		}})
	})
	s.Put(t, `{"resourceType":"Patient","id":"1"}`)
	token := s.Token(t, auditor)
	at := publish(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = rig.Host
		s.Handler.ServeHTTP(w, r)
	}))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: at.tls}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at.base+"/api/v1/packages", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := client.Do(r)
	if err == nil {
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	if err == nil {
		t.Error("it came as if it were whole")
	}
}

// unzipped are the files of a zip file.
func unzipped(t *testing.T, b []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if all[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
