package awskms

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/keys/awskms/kmstest"
	"github.com/tutela-health/tutela/keys/keystest"
)

func configured(s *kmstest.Service) Config {
	return Config{Region: kmstest.Region, Prefix: "clinic", Endpoint: s.URL, CredentialsFile: s.Credentials, Window: MinWindow}
}

func open(t *testing.T, s *kmstest.Service) *Provider {
	t.Helper()
	p, err := Open(t.Context(), configured(s))
	if err != nil {
		t.Fatal(err)
	}
	p.lag = 0
	return p
}

// opened is a provider on a service of its own, with generation 1, and what it wrapped.
func opened(t *testing.T) (*Provider, *kmstest.Service, []byte) {
	t.Helper()
	s := kmstest.New(t)
	p := open(t, s)
	create(t, p, 1)
	wrapped, err := p.Wrap(t.Context(), 1, []byte("a key"), []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	return p, s, wrapped
}

func create(t *testing.T, p *Provider, generations ...int) {
	t.Helper()
	for _, g := range generations {
		if err := p.Create(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
}

func destroy(t *testing.T, p *Provider, generations ...int) {
	t.Helper()
	for _, g := range generations {
		if err := p.Destroy(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
}

func wantOpens(t *testing.T, p *Provider, wrapped []byte) {
	t.Helper()
	got, err := p.Unwrap(t.Context(), 1, wrapped, []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("a key", string(got)); diff != "" {
		t.Error(diff)
	}
}

func wantDestruction(t *testing.T, p *Provider, generation int, done bool, at time.Time) {
	t.Helper()
	gotDone, gotAt, err := keys.Destruction(t.Context(), p, generation)
	if err != nil || gotDone != done || !gotAt.Equal(at) {
		t.Errorf("destruction of %d: %v at %v (%v), want %v at %v", generation, gotDone, gotAt, err, done, at)
	}
}

func wantKind(t *testing.T, what string, err error, kind errs.Kind, words ...string) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: %v, want kind %v", what, err, kind)
	}
	for _, w := range words {
		if !strings.Contains(errs.Public(err), w) {
			t.Errorf("%s: %q does not say %q", what, errs.Public(err), w)
		}
	}
}

func TestConforms(t *testing.T) {
	keystest.Provider(t, func(t *testing.T) keys.Provider { return open(t, kmstest.New(t)) })
}

// TestOutages: each way in which KMS does not serve, and comes back.
func TestOutages(t *testing.T) {
	for name, way := range map[string]struct{ down, up func(*kmstest.Service) }{
		"throttled":            {func(s *kmstest.Service) { s.Refuse[""] = codeThrottled }, func(s *kmstest.Service) { clear(s.Refuse) }},
		"access denied":        {func(s *kmstest.Service) { s.Refuse[""] = codeDenied }, func(s *kmstest.Service) { clear(s.Refuse) }},
		"credentials ended":    {func(s *kmstest.Service) { s.Refuse[""] = "ExpiredTokenException" }, func(s *kmstest.Service) { clear(s.Refuse) }},
		"failing within":       {func(s *kmstest.Service) { s.Refuse[""] = "KMSInternalException" }, func(s *kmstest.Service) { clear(s.Refuse) }},
		"its dependency slow":  {func(s *kmstest.Service) { s.Refuse[""] = "DependencyTimeoutException" }, func(s *kmstest.Service) { clear(s.Refuse) }},
		"down":                 {func(s *kmstest.Service) { s.Status = http.StatusServiceUnavailable }, func(s *kmstest.Service) { s.Status = 0 }},
		"redirecting":          {func(s *kmstest.Service) { s.Status = http.StatusTemporaryRedirect }, func(s *kmstest.Service) { s.Status = 0 }},
		"answering with pages": {func(s *kmstest.Service) { s.Garbage = true }, func(s *kmstest.Service) { s.Garbage = false }},
	} {
		t.Run(name, func(t *testing.T) {
			keystest.Outage(t, func(t *testing.T) keystest.Remote {
				s := kmstest.New(t)
				return keystest.Remote{Provider: open(t, s), Down: func() { s.Set(way.down) }, Up: func() { s.Set(way.up) }}
			})
		})
	}
}

// TestNotEveryActionIsAllowed: a refusal halfway changes nothing that the next call does not bring to its end.
func TestNotEveryActionIsAllowed(t *testing.T) {
	for _, action := range []string{"CreateKey", "CreateAlias", "DescribeKey", "ListAliases"} {
		s := kmstest.New(t)
		p := open(t, s)
		s.Set(func(s *kmstest.Service) { s.Refuse[action] = codeDenied })
		wantKind(t, "create without "+action, p.Create(t.Context(), 1), errs.Unavailable, "refuses")
		s.Set(func(s *kmstest.Service) {
			clear(s.Refuse)
			for _, k := range s.Keys {
				if k.State == "Enabled" && s.Aliases["alias/clinic-000001"] != k.ID {
					t.Errorf("without %s a key is left that nobody uses", action)
				}
			}
		})
		if err := p.Create(t.Context(), 1); err != nil && action != "DescribeKey" { // by then it was made
			t.Errorf("after %s is allowed: %v", action, err)
		}
		if _, err := p.Wrap(t.Context(), 1, []byte("k"), nil); err != nil {
			t.Errorf("after %s is allowed: %v", action, err)
		}
	}
	for _, action := range []string{"CreateKey", "CreateAlias", "ScheduleKeyDeletion", "ListAliases"} {
		p, s, wrapped := opened(t)
		s.Set(func(s *kmstest.Service) { s.Refuse[action] = codeDenied })
		wantKind(t, "destroy without "+action, p.Destroy(t.Context(), 1), errs.Unavailable, "refuses")
		s.Set(func(s *kmstest.Service) { clear(s.Refuse) })
		wantOpens(t, p, wrapped)
		destroy(t, p, 1)
	}
}

// TestSlowServiceIsGivenUp when the caller's time is over, and nothing is lost.
func TestSlowServiceIsGivenUp(t *testing.T) {
	p, s, wrapped := opened(t)
	hang, asked := make(chan struct{}), make(chan string, 8)
	s.Set(func(s *kmstest.Service) { s.Hang, s.Before = hang, func(action string) { asked <- action } })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := p.Unwrap(ctx, 1, wrapped, []byte("aad"))
		done <- err
	}()
	<-asked
	cancel()
	wantKind(t, "given up", <-done, errs.Unavailable)
	close(hang)
	wantOpens(t, p, wrapped)
}

// TestWhatIsMadeIsWaitedFor: KMS knows a new alias a while later.
func TestWhatIsMadeIsWaitedFor(t *testing.T) {
	s := kmstest.New(t)
	s.Set(func(s *kmstest.Service) { s.Lag = 5 })
	p := open(t, s)
	create(t, p, 1)
	if _, err := p.Wrap(t.Context(), 1, []byte("k"), nil); err != nil {
		t.Error(err)
	}
}

// TestDestructionIsFinalWhenKMSSaysSo: scheduled for as long as the window is, and neither before its end nor when
// somebody has taken the order back.
func TestDestructionIsFinalWhenKMSSaysSo(t *testing.T) {
	p, s, wrapped := opened(t)
	wantDestruction(t, p, 1, false, time.Time{})
	destroy(t, p, 1)
	at := s.Now.AddDate(0, 0, MinWindow)
	wantDestruction(t, p, 1, false, at)
	_, err := p.Unwrap(t.Context(), 1, wrapped, []byte("aad"))
	wantKind(t, "unwrap while it is scheduled", err, errs.NotFound)
	s.Pass(6)
	wantDestruction(t, p, 1, false, at)

	s.Set(func(s *kmstest.Service) { s.Cancel(s.Find("alias/clinic-000001")) })
	wantDestruction(t, p, 1, false, time.Time{})
	destroy(t, p, 1)
	wantDestruction(t, p, 1, false, s.Now.AddDate(0, 0, MinWindow))
	for _, action := range []string{"ListAliases", "DescribeKey"} {
		s.Set(func(s *kmstest.Service) { s.Refuse[action] = codeDenied })
		if done, _, err := p.Destruction(t.Context(), 1); done || !errs.Is(err, errs.Unavailable) {
			t.Errorf("without %s: done %v (%v)", action, done, err)
		}
		s.Set(func(s *kmstest.Service) { clear(s.Refuse) })
	}
	s.Pass(MinWindow)
	wantDestruction(t, p, 1, true, time.Time{})
	wantKind(t, "made anew", p.Create(t.Context(), 1), errs.Conflict, "destroyed")
	wantKind(t, "destroyed again", p.Destroy(t.Context(), 1), errs.NotFound)
}

// TestAnAliasTakenAwayIsNoDestruction: whoever may delete aliases does not thereby make a certificate final.
func TestAnAliasTakenAwayIsNoDestruction(t *testing.T) {
	p, s, _ := opened(t)
	destroy(t, p, 1)
	s.Set(func(s *kmstest.Service) { delete(s.Aliases, "alias/clinic-000001") })
	wantDestruction(t, p, 1, false, s.Now.AddDate(0, 0, MinWindow))
	create(t, p, 2)
	s.Set(func(s *kmstest.Service) { delete(s.Aliases, "alias/clinic-000002") })
	_, _, err := p.Destruction(t.Context(), 2)
	wantKind(t, "of what nobody destroyed", err, errs.NotFound)
}

// TestDestructionGoesOnWhereItWasCutOff: between the order and its mark.
func TestDestructionGoesOnWhereItWasCutOff(t *testing.T) {
	p, s, wrapped := opened(t)
	create(t, p, 2)
	destroy(t, p, 2) // makes the key that marks point to
	s.Set(func(s *kmstest.Service) { s.Refuse["CreateAlias"] = codeThrottled })
	wantKind(t, "no mark", p.Destroy(t.Context(), 1), errs.Unavailable)
	_, err := p.Unwrap(t.Context(), 1, wrapped, []byte("aad"))
	wantKind(t, "scheduled and not marked", err, errs.Unavailable, "CancelKeyDeletion")
	s.Set(func(s *kmstest.Service) { clear(s.Refuse) })
	destroy(t, p, 1)
	s.Pass(MinWindow)
	wantDestruction(t, p, 1, true, time.Time{})
}

// TestAKeyThatSomebodyElseDeletesIsCalledOut while it can still be saved.
func TestAKeyThatSomebodyElseDeletesIsCalledOut(t *testing.T) {
	p, s, wrapped := opened(t)
	s.Set(func(s *kmstest.Service) { s.Schedule(s.Find("alias/clinic-000001")) })
	_, err := p.Unwrap(t.Context(), 1, wrapped, []byte("aad"))
	wantKind(t, "unwrap", err, errs.Unavailable, "CancelKeyDeletion")
	if list, err := p.Generations(t.Context()); err != nil || !cmp.Equal([]int{1}, list) {
		t.Errorf("generations %v (%v)", list, err)
	}
	s.Set(func(s *kmstest.Service) { s.Cancel(s.Find("alias/clinic-000001")) })
	_, err = p.Unwrap(t.Context(), 1, wrapped, []byte("aad"))
	wantKind(t, "unwrap while disabled", err, errs.Unavailable, "enable it")
	s.Set(func(s *kmstest.Service) { s.Find("alias/clinic-000001").State = "Enabled" })
	wantOpens(t, p, wrapped)
}

// TestManyDestroyedGenerationsStayDestroyed: more than a key carries aliases, each in its own window.
func TestManyDestroyedGenerationsStayDestroyed(t *testing.T) {
	s := kmstest.New(t)
	p := open(t, s)
	create(t, p, 1)
	for g := 2; g <= 120; g++ {
		create(t, p, g)
		destroy(t, p, g-1)
		s.Pass(1)
	}
	s.Set(func(s *kmstest.Service) {
		if len(s.Aliases) > 45 {
			t.Errorf("%d aliases", len(s.Aliases))
		}
	})
	for _, g := range []int{1, 50, 100, 112, 113, 119} {
		wantKind(t, fmt.Sprint("made anew: ", g), p.Create(t.Context(), g), errs.Conflict, "destroyed")
	}
	wantDestruction(t, p, 1, true, time.Time{})
	wantDestruction(t, p, 111, true, time.Time{})
	wantDestruction(t, p, 119, false, s.Now.AddDate(0, 0, MinWindow-1))
	wantDestruction(t, p, 120, false, time.Time{})
}

// TestMarksThatCannotBePutTogether: without DeleteAlias destruction ends at the quota, and says why.
func TestMarksThatCannotBePutTogether(t *testing.T) {
	s := kmstest.New(t)
	p := open(t, s)
	s.Set(func(s *kmstest.Service) { s.Refuse["DeleteAlias"] = codeDenied })
	create(t, p, 1)
	var err error
	g := 2
	for ; g < 60 && err == nil; g++ {
		create(t, p, g)
		err = p.Destroy(t.Context(), g-1)
		s.Pass(MinWindow)
	}
	if wantKind(t, "at the quota", err, errs.Unavailable, "quota"); !strings.Contains(fmt.Sprint(err), "put together") {
		t.Errorf("%v does not say what to allow", err)
	}
}

// TestKeysThatCouldBeCopiedAreNotUsed: imported, kept elsewhere, of several Regions, of another kind.
func TestKeysThatCouldBeCopiedAreNotUsed(t *testing.T) {
	for name, change := range map[string]func(*kmstest.Key){
		"imported": func(k *kmstest.Key) { k.Origin = "EXTERNAL" }, "kept elsewhere": func(k *kmstest.Key) { k.Origin = "EXTERNAL_KEY_STORE" },
		"several Regions": func(k *kmstest.Key) { k.MultiRegion = true }, "another kind": func(k *kmstest.Key) { k.Spec = "RSA_4096" },
		"another use": func(k *kmstest.Key) { k.Usage = "SIGN_VERIFY" }, "AWS's own": func(k *kmstest.Key) { k.Manager = "AWS" },
	} {
		p, s, wrapped := opened(t)
		s.Set(func(s *kmstest.Service) { change(s.Find("alias/clinic-000001")) })
		_, err := p.Wrap(t.Context(), 1, []byte("k"), nil)
		wantKind(t, name+": wrap", err, errs.Conflict)
		_, err = p.Unwrap(t.Context(), 1, wrapped, []byte("aad"))
		wantKind(t, name+": unwrap", err, errs.Conflict)
	}
}

// TestOfTwoThatCreateAtOnceOneDoes: another process got the alias between this one's look and its order. The loser's
// key is not left to be paid for.
func TestOfTwoThatCreateAtOnceOneDoes(t *testing.T) {
	s := kmstest.New(t)
	p, other := open(t, s), open(t, s)
	s.Set(func(s *kmstest.Service) {
		s.Before = func(action string) {
			if action == "CreateAlias" {
				s.Set(func(s *kmstest.Service) { s.Before = nil })
				create(t, other, 1)
			}
		}
	})
	wantKind(t, "the second", p.Create(t.Context(), 1), errs.Conflict, "exists")
	s.Set(func(s *kmstest.Service) {
		for id, k := range s.Keys {
			if (k.State == "Enabled") != (id == s.Aliases["alias/clinic-000001"]) {
				t.Errorf("key %s is %s", id, k.State)
			}
		}
	})
}

func TestOtherSystemsKeysAreNotThere(t *testing.T) {
	p, s, _ := opened(t)
	cfg := configured(s)
	cfg.Prefix = "clini"
	other, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Set(func(s *kmstest.Service) {
		for _, rest := range []string{"000002x", "2", "", "000000", "-00002", "00000000003", "000004-destroyed-x", "used-up-to-9"} {
			s.Aliases["alias/clinic-"+rest] = s.Aliases["alias/clinic-000001"]
		}
	})
	for want, q := range map[string]*Provider{"[]": other, "[1]": p} {
		list, err := q.Generations(t.Context())
		if got := fmt.Sprint(list); err != nil || got != want {
			t.Errorf("generations %s (%v), want %s", got, err, want)
		}
	}
}

// TestAnotherRegionHasNoSuchKeys: by its own endpoint it says so, and by another Region's it is refused.
func TestAnotherRegionHasNoSuchKeys(t *testing.T) {
	_, s, _ := opened(t)
	cfg := configured(s)
	cfg.Region = "us-east-1"
	_, err := Open(t.Context(), cfg)
	wantKind(t, "signed for another Region", err, errs.Unavailable, "region")
	elsewhere := open(t, kmstest.New(t))
	_, err = elsewhere.Unwrap(t.Context(), 1, []byte("wrapped"), nil)
	wantKind(t, "a Region without them", err, errs.NotFound, kmstest.Region)
	_, _, err = elsewhere.Destruction(t.Context(), 1)
	wantKind(t, "destruction in a Region without them", err, errs.NotFound)
}

func TestConfigurationsThatCannotStand(t *testing.T) {
	s := kmstest.New(t)
	none := filepath.Join(t.TempDir(), "none")
	for name, change := range map[string]func(*Config){
		"plain http":        func(c *Config) { c.Endpoint = "http://kms.example" },
		"a password":        func(c *Config) { c.Endpoint = "https://a:b@kms.example" },
		"a prefix":          func(c *Config) { c.Prefix = "../x" },
		"no region":         func(c *Config) { c.Region = "" },
		"a region's host":   func(c *Config) { c.Region = "x.example/eu-central-1" },
		"too short":         func(c *Config) { c.Window = 6 },
		"too long":          func(c *Config) { c.Window = 31 },
		"no authorities":    func(c *Config) { c.CAFile = none },
		"no certificate":    func(c *Config) { c.CAFile = s.Credentials },
		"no credentials":    func(c *Config) { c.CredentialsFile = none },
		"no such profile":   func(c *Config) { c.Profile = "nobody" },
		"nobody to sign":    func(c *Config) { c.CredentialsFile, c.Profile = "", "nobody" },
		"another's service": func(c *Config) { c.Endpoint = "http://127.0.0.1:1" },
	} {
		c := configured(s)
		change(&c)
		if _, err := Open(t.Context(), c); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if err := os.Chmod(s.Credentials, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), configured(s)); err == nil {
		t.Error("credentials that others may read: opened")
	}
}

// TestTheMachineSaysWhoAndNotWhere: credentials come from its environment, and an endpoint that this names is not used.
func TestTheMachineSaysWhoAndNotWhere(t *testing.T) {
	s := kmstest.New(t)
	t.Setenv("AWS_ACCESS_KEY_ID", kmstest.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", kmstest.SecretKey)
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	t.Setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
	t.Setenv("AWS_REGION", "us-east-1")
	cfg := configured(s)
	cfg.CredentialsFile = ""
	if _, err := Open(t.Context(), cfg); err != nil {
		t.Error(err)
	}
}

// host is a transport that answers nothing, and remembers who was asked.
type host struct{ name string }

func (h *host) Do(r *http.Request) (*http.Response, error) {
	h.name = r.URL.Host
	return nil, http.ErrHandlerTimeout
}

// TestEndpointsAreValidatedUnlessSaidOtherwise (FIPS 140).
func TestEndpointsAreValidatedUnlessSaidOtherwise(t *testing.T) {
	s := kmstest.New(t)
	for want, change := range map[string]func(*Config){
		"kms-fips.eu-central-1.amazonaws.com": func(c *Config) { c.Endpoint = "" },
		"kms.eu-central-1.amazonaws.com":      func(c *Config) { c.Endpoint, c.NoFIPS = "", true },
		"vpce-1.kms.example":                  func(c *Config) { c.Endpoint = "https://vpce-1.kms.example" },
	} {
		c := configured(s)
		change(&c)
		o, err := options(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		h := &host{}
		o.HTTPClient = h
		if _, err := kms.New(o).ListAliases(t.Context(), nil); err == nil || h.name != want {
			t.Errorf("asked %q (%v), want %q", h.name, err, want)
		}
	}
}

// TestSecretsDoNotShowInErrors: neither the credentials nor what is wrapped.
func TestSecretsDoNotShowInErrors(t *testing.T) {
	p, s, wrapped := opened(t)
	for _, change := range []func(*kmstest.Service){
		func(s *kmstest.Service) { s.Status = http.StatusInternalServerError }, func(s *kmstest.Service) { s.Status = 0; s.Garbage = true },
		func(s *kmstest.Service) {
			s.Garbage = false
			s.Refuse["Encrypt"], s.Refuse["Decrypt"] = codeDenied, codeBadCiphertext
		},
		func(s *kmstest.Service) { s.Server.CloseClientConnections(); go s.Server.Close() },
	} {
		s.Set(change)
		_, wrapErr := p.Wrap(t.Context(), 1, []byte("plain secret"), nil)
		_, unwrapErr := p.Unwrap(t.Context(), 1, wrapped, nil)
		told := fmt.Sprintf("%+v %+v %#v", wrapErr, unwrapErr, p.cfg)
		for _, secret := range []string{kmstest.SecretKey, "plain secret", "cGxhaW4gc2VjcmV0", string(wrapped)} {
			if strings.Contains(told, secret) {
				t.Errorf("a secret shows: %s", told)
			}
		}
	}
}

// FuzzAliases: whatever an account's aliases are called, a generation's is the only name of it.
func FuzzAliases(f *testing.F) {
	p := &Provider{cfg: Config{Prefix: "clinic"}}
	for _, a := range []string{p.alias(1), p.mark(7, "1234abcd-12ab-34cd-56ef-1234567890ab"), p.named(usedUpTo + "000003"), p.named(shelf), "alias/clinic-", "alias/clinic-+00001", "alias/aws/s3"} {
		f.Add(a)
	}
	f.Fuzz(func(t *testing.T, alias string) {
		r := register{keys: map[int]string{}, marks: map[int]string{}}
		p.enter(&r, alias, "id")
		for g := range r.keys {
			if p.alias(g) != alias {
				t.Errorf("%q is taken for generation %d", alias, g)
			}
		}
		for g, key := range r.marks {
			if p.mark(g, key) != alias {
				t.Errorf("%q is taken for the mark of generation %d", alias, g)
			}
		}
	})
}

// TestConformsWhileGenerationsMove to it from a folder, and from it to another account's.
func TestConformsWhileGenerationsMove(t *testing.T) {
	t.Run("to", func(t *testing.T) {
		keystest.Provider(t, func(t *testing.T) keys.Provider {
			from, err := keys.CreateLocal(filepath.Join(t.TempDir(), "keys"))
			if err != nil {
				t.Fatal(err)
			}
			return &keys.Moving{From: from, To: open(t, kmstest.New(t))}
		})
	})
	t.Run("from", func(t *testing.T) {
		keystest.Provider(t, func(t *testing.T) keys.Provider {
			return &keys.Moving{From: open(t, kmstest.New(t)), To: open(t, kmstest.New(t))}
		})
	})
}
