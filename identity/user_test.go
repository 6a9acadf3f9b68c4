package identity_test

import (
	"encoding/base32"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

func TestAnAccountIsKeptAsItWasMade(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		s := w.service(nil)
		made, c, err := s.CreateUser(t.Context(), root(), nurse("nora"))
		must(t, err)
		found, err := w.service(nil).User(t.Context(), "nora")
		must(t, err)
		if d := cmp.Diff(made, found); d != "" {
			t.Error(d)
		}
		secret, err := base32.StdEncoding.DecodeString(c.TOTP)
		if err != nil || len(secret) != 20 || len(c.Password) < 20 || c.Username != "nora" {
			t.Errorf("credentials %d, %d, %v", len(c.Password), len(secret), err)
		}
		e := w.entries(tutela.ActionUserCreate)
		want := &tutela.Subject{Kind: "user", ID: string(made.ID)}
		if len(e) != 1 || cmp.Diff(want, e[0].Subject) != "" || e[0].Actor.ID != "root" {
			t.Errorf("entries %+v", e)
		}
	})
}

func TestANameIsTakenOnce(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		s := w.service(nil)
		var made atomic.Int32
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				_, _, err := s.CreateUser(t.Context(), root(), nurse("nora"))
				if err == nil {
					made.Add(1)
				} else if !errs.Is(err, errs.Conflict) {
					t.Errorf("the losers get %v", err)
				}
			})
		}
		callers.Wait()
		if made.Load() != 1 || len(w.entries(tutela.ActionUserCreate)) != 1 {
			t.Errorf("%d accounts of one name, %d entries", made.Load(), len(w.entries(tutela.ActionUserCreate)))
		}
	})
}

func TestNobodyHasNoAccountAndNoToken(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/t.db")
	s := w.service(nil)
	if _, err := s.User(t.Context(), "nobody"); !errs.Is(err, errs.NotFound) {
		t.Errorf("user: %v", err)
	}
	if _, err := w.issue(s, "nobody"); !errs.Is(err, errs.NotFound) {
		t.Errorf("token: %v", err)
	}
	if err := s.LinkPatient(t.Context(), root(), "nobody", tutela.Ref{Type: "Patient", ID: "1"}); !errs.Is(err, errs.NotFound) {
		t.Errorf("link: %v", err)
	}
}

// A caller's chart follows the account at once, also for tokens that are out.
func TestALinkedPatientCountsForTokensThatAreOut(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		s := w.service(nil)
		n := nurse("pat")
		n.Roles = []string{"patient"}
		i := w.issued(s, n)
		expect(t, s, i.Token, true)
		must(t, s.LinkPatient(t.Context(), root(), "pat", tutela.Ref{Type: "Patient", ID: "1"}))
		p, err := s.Authenticate(t.Context(), "Bearer "+i.Token)
		must(t, err)
		if p.Patient != "1" || p.FHIRUser.String() != "Patient/1" {
			t.Errorf("%+v", p)
		}
		if e := w.entries(tutela.ActionUserUpdate); len(e) != 1 || e[0].Subject.Detail != "fhirUser" {
			t.Errorf("entries %+v", e)
		}
	})
}

// An account's row put in another's place opens as nobody's.
func TestASwappedAccountOpensAsNobody(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/t.db")
	s := w.service(nil)
	_, _, err := s.CreateUser(t.Context(), root(), nurse("nora"))
	must(t, err)
	admin := nurse("alex")
	admin.Roles = []string{"admin"}
	_, _, err = s.CreateUser(t.Context(), root(), admin)
	must(t, err)
	must(t, w.db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE users SET sealed = (SELECT u.sealed FROM users u WHERE u.id <> users.id)")
		return err
	}))
	// The statement sees its own first change, so one of the two rows keeps what was its own.
	_, nora := s.User(t.Context(), "nora")
	_, alex := s.User(t.Context(), "alex")
	if nora == nil && alex == nil {
		t.Error("a row opened in another's place")
	}
}
