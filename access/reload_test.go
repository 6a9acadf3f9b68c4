package access

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
)

// house is a policy directory that lets physicians, or another role, read.
func house(role string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(`@id("a") permit (principal in Role::"` + role + `", action in [Action::"see"], resource);`)}
}

// reloading is an Authorizer under a directory, and what was recorded.
type reloading struct {
	dir      fstest.MapFS
	loader   *Reloader
	recorded []string
	fails    error
}

func newReloading(t *testing.T) *reloading {
	t.Helper()
	r := &reloading{dir: fstest.MapFS{"a.cedar": house("physician")}}
	p, err := LoadPolicies(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	r.loader = &Reloader{Dir: r.dir, Authorizer: New(Config{Policies: p}), Record: func(_ context.Context, got Reload) error {
		if r.fails != nil {
			return r.fails
		}
		outcome := "taken"
		if got.Err != nil {
			outcome = "refused"
		}
		r.recorded = append(r.recorded, outcome)
		return nil
	}}
	return r
}

func (r *reloading) look(t *testing.T, now bool) {
	t.Helper()
	if err := r.loader.Look(t.Context(), now); !errors.Is(err, r.fails) {
		t.Fatal(err)
	}
}

// may reports whether a role may read.
func (r *reloading) may(t *testing.T, role Role) bool {
	t.Helper()
	_, err := r.loader.Authorizer.Authorize(t.Context(), caller(role, "user/*.rs"), Request{Action: tutela.ActionRead, Type: "Patient"})
	return err == nil
}

func TestChangedPoliciesTakeForce(t *testing.T) {
	r := newReloading(t)
	r.look(t, false)
	before := r.loader.Authorizer.Version()
	r.dir["a.cedar"] = house("nurse")
	r.look(t, false)
	if r.may(t, RoleNurse) {
		t.Error("files that may still be written took force")
	}
	r.look(t, false)
	if !r.may(t, RoleNurse) || r.may(t, RolePhysician) || r.loader.Authorizer.Version() == before {
		t.Error("the change did not take force")
	}
	r.look(t, false)
	if diff := cmp.Diff([]string{"taken"}, r.recorded); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

func TestRefusedPoliciesLeaveTheOldOnes(t *testing.T) {
	for name, change := range map[string]func(fstest.MapFS){
		"syntax": func(d fstest.MapFS) { d["b.cedar"] = &fstest.MapFile{Data: []byte(`@id("b") permit (principal`)} },
		"schema": func(d fstest.MapFS) {
			d["b.cedar"] = &fstest.MapFile{Data: []byte(`@id("b") permit (principal, action, resource) when { resource.nothing };`)}
		},
		"no name": func(d fstest.MapFS) {
			d["b.cedar"] = &fstest.MapFile{Data: []byte(`permit (principal, action, resource);`)}
		},
		"a second name": func(d fstest.MapFS) { d["b.cedar"] = house("nurse") },
		"elements": func(d fstest.MapFS) {
			d["b.cedar"] = &fstest.MapFile{Data: []byte(`@id("b") @elements("hide Patient: nothing") permit (principal, action, resource);`)}
		},
		"classes": func(d fstest.MapFS) { d["classes.json"] = &fstest.MapFile{Data: []byte(`[]`)} },
		"no file": func(d fstest.MapFS) { delete(d, "a.cedar") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newReloading(t)
			change(r.dir)
			for range 4 {
				r.look(t, false)
			}
			if !r.may(t, RolePhysician) || r.may(t, RoleNurse) {
				t.Error("the old policies do not hold")
			}
			if diff := cmp.Diff([]string{"refused"}, r.recorded); diff != "" {
				t.Errorf("recorded (-want +got):\n%s", diff)
			}
			r.look(t, true)
			if len(r.recorded) != 2 {
				t.Error("who asks for a look is not told again")
			}
		})
	}
}

func TestPoliciesTakeForceOnlyWithTheirEntry(t *testing.T) {
	r := newReloading(t)
	r.dir["a.cedar"] = house("nurse")
	r.fails = errors.New("the ledger does not answer")
	r.look(t, true)
	if r.may(t, RoleNurse) {
		t.Error("policies took force without an entry")
	}
	r.fails = nil
	r.look(t, false)
	if !r.may(t, RoleNurse) {
		t.Error("what could not be recorded was not tried again")
	}
}

func TestVersionsCoverEveryFile(t *testing.T) {
	one := fstest.MapFS{"a.cedar": house("nurse")}
	other := fstest.MapFS{"a.cedar": house("nurse"), "classes.json": {Data: []byte(`{}`)}}
	a, errA := LoadPolicies(one)
	b, errB := LoadPolicies(other)
	if errA != nil || errB != nil || a.Version() == b.Version() {
		t.Errorf("other classes have the same version: %v %v", errA, errB)
	}
}

func TestErrorsNameFileLineAndPolicy(t *testing.T) {
	_, err := LoadPolicies(fstest.MapFS{"house.cedar": {Data: []byte("\n\n@id(\"wrong\")\npermit (principal, action, resource) when { resource.nothing };")}})
	if err == nil || !strings.Contains(err.Error(), "house.cedar, line 3: policy wrong:") {
		t.Errorf("the error is %v", err)
	}
}
