package scim_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
)

// The ways in which a directory says that somebody left.
func leaving() map[string]func(n *node, id string) reply {
	return map[string]func(n *node, id string) reply{
		"patch": func(n *node, id string) reply {
			return n.do(http.MethodPatch, "/Users/"+id, patch(`{"op":"Replace","path":"active","value":"False"}`))
		},
		"put": func(n *node, id string) reply {
			return n.do(http.MethodPut, "/Users/"+id, `{"userName":"`+n.user(id).Username+`","active":false}`)
		},
		"delete": func(n *node, id string) reply { return n.do(http.MethodDelete, "/Users/"+id, "") },
	}
}

// session is what a person who logged in has, and an application of hers.
type session struct {
	cookie, access, refresh string
}

// The ledger says when the order came in, what was alive, and how long ending it took.
func TestLeaverLosesEverythingAndTheLedgerSaysWhen(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.app()
		for name, leave := range leaving() {
			u, s := n.signedIn("p-" + name)
			second := n.bearer(u)
			before := clock.System()
			r := leave(n, string(u.ID))
			after := clock.System()
			if r.status >= http.StatusBadRequest {
				t.Fatalf("%s: %d %s", name, r.status, r.raw)
			}
			n.holdsNothing(name, s, second)
			action := tutela.ActionUserDisable
			if name == "delete" {
				action = tutela.ActionUserDelete
			}
			for _, a := range []tutela.Action{action, tutela.ActionAccessEnd} {
				e := n.about(a, u.ID)
				if e.Ending == nil || e.Ending.Sessions != 1 || e.Ending.Tokens != 2 || e.Ending.Refresh != 1 {
					t.Fatalf("%s: %s says %+v", name, a, e.Ending)
				}
				if e.Ending.Ordered.Before(before) || e.Ending.Ordered.After(after) || e.Client != "directory" || e.Actor.Kind != tutela.ActorService {
					t.Errorf("%s: %s was ordered at %s by %+v", name, a, e.Ending.Ordered, e.Actor)
				}
				if took := after.Sub(before).Milliseconds() + 1; a == tutela.ActionAccessEnd && (e.Ending.Took < 1 || e.Ending.Took > took) {
					t.Errorf("%s: took %d ms of %d", name, e.Ending.Took, took)
				}
			}
		}
	})
}

// holdsNothing fails the test if anything of a session, or a token, is alive.
func (n *node) holdsNothing(what string, s session, tokens ...string) {
	n.t.Helper()
	for _, token := range append(tokens, s.access) {
		if n.works(token) {
			n.t.Errorf("%s: an access token is alive", what)
		}
	}
	if _, _, err := n.identity.SessionByCookie(n.t.Context(), s.cookie); !errs.Is(err, errs.Unauthenticated) {
		n.t.Errorf("%s: the session is alive: %v", what, err)
	}
	if _, err := n.identity.Refresh(n.t.Context(), s.refresh, "app", nil); err == nil {
		n.t.Errorf("%s: the refresh token gave another", what)
	}
}

// about gives the entry of an action about an account.
func (n *node) about(action tutela.Action, id tutela.UserID) tutela.Entry {
	n.t.Helper()
	var found []tutela.Entry
	for _, e := range n.entries(action) {
		if e.Subject != nil && e.Subject.ID == string(id) {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		n.t.Fatalf("%d entries of %s about the account", len(found), action)
	}
	return found[0]
}

// Tokens that are made while somebody is switched off are dead too.
func TestTokenMadeDuringTheOrderIsDead(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		u := n.person("nora", "nurse")
		var mu sync.Mutex
		var made []string
		var wait sync.WaitGroup
		start := make(chan struct{})
		for range 4 {
			wait.Go(func() {
				<-start
				for range 12 {
					i, err := n.identity.IssueFor(t.Context(), identity.IssueRequest{User: u.ID, Client: "app", Scopes: u.Scopes, Assurance: "aal2"})
					if err != nil {
						return // switched off
					}
					mu.Lock()
					made = append(made, i.Token)
					mu.Unlock()
				}
			})
		}
		close(start)
		leaving()["patch"](n, string(u.ID)).want(t, "off", http.StatusOK)
		wait.Wait()
		for _, token := range made {
			if n.works(token) {
				t.Fatalf("one of %d tokens outlived the order", len(made))
			}
		}
		n.do(http.MethodPatch, "/Users/"+string(u.ID), patch(`{"op":"replace","path":"active","value":true}`)).want(t, "on", http.StatusOK)
		for _, token := range made {
			if n.works(token) {
				t.Fatal("a token came back with its person")
			}
		}
	})
}

// Two nodes over one PostgreSQL: who leaves at one is out at the other within a second.
func TestLeaverAtOneNodeIsOutAtTheOther(t *testing.T) {
	t.Parallel()
	url := testkit.Postgres(t)
	here := open(t, url)
	here.app()
	there := &node{t: t, ground: here.ground.Another(t, "other"), token: here.token}
	changes, err := there.ground.DB.Watch(t.Context())
	must(t, err)
	t.Cleanup(changes.Close)
	there.wire(changes.Fresh)
	changes.Subscribe(identity.Topic, func([]byte) { there.identity.Invalidate() })
	for name, leave := range leaving() {
		u, s := here.signedIn("p-" + name)
		for range 2 { // the second time from what is cached there
			if !there.works(s.access) {
				t.Fatalf("%s: the other node does not know the token", name)
			}
		}
		if r := leave(here, string(u.ID)); r.status >= http.StatusBadRequest {
			t.Fatalf("%s: %d %s", name, r.status, r.raw)
		}
		there.dies(name, s.access)
		there.holdsNothing(name, s)
	}
	ward := there.group("Ward 2")
	id := here.add(ann)
	there.do(http.MethodPatch, "/Groups/"+ward, patch(`{"op":"add","path":"members","value":`+member(id)+`}`)).want(t, "the other node", http.StatusOK)
	if diff := here.members(ward); len(diff) != 1 {
		t.Errorf("members here: %v", diff)
	}
}

// Of many who make the same person at two nodes, one does; groups lose no member.
func TestOrdersAtOnce(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		var ids []string
		for _, name := range []string{"a1", "a2", "a3", "a4", "a5", "a6"} {
			ids = append(ids, n.add(`{"userName":"`+name+`"}`))
		}
		ward := n.group("Ward 2")
		replies := make([]reply, 2*len(ids))
		var wait sync.WaitGroup
		for i, id := range ids {
			wait.Go(func() { replies[2*i] = n.do(http.MethodPost, "/Users", ann) })
			wait.Go(func() {
				replies[2*i+1] = n.do(http.MethodPatch, "/Groups/"+ward, patch(`{"op":"add","path":"members","value":`+member(id)+`}`))
			})
		}
		wait.Wait()
		made := 0
		for i, r := range replies {
			switch {
			case i%2 == 1:
				r.want(t, "a member", http.StatusOK)
			case r.status == http.StatusCreated:
				made++
			default:
				r.want(t, "a second Ann", http.StatusConflict, "uniqueness")
			}
		}
		if made != 1 || len(n.members(ward)) != len(ids) {
			t.Errorf("%d Anns, %d of %d members", made, len(n.members(ward)), len(ids))
		}
	})
}
