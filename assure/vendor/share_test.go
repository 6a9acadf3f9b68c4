package vendor_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/vendor"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
)

// answered is what an organisation says of itself.
func (h *house) answered(name string, not map[string]vendor.Word) vendor.Own {
	return vendor.Own{Name: name, Service: "reads X-rays", Answers: h.asked(vendor.Kept{}, not).Answers}
}

func (h *house) vkeys(t *testing.T) []string {
	t.Helper()
	list, err := h.rig.Audit.VerifierKeys(t.Context())
	must(t, err)
	return list
}

// Who answered once shares that with whoever has the key of his ledger; there it is an assessment that says where it is from.
func TestAnswersAreSharedOnce(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		us, they := opened(t, r), opened(t, rig.Open(t, rig.Config{}))
		if _, err := they.Share(t.Context()); !errs.Is(err, errs.NotFound) {
			t.Errorf("shared before it was answered: %v", err)
		}
		own, err := they.Answer(t.Context(), by("u-bob"), 0, they.answered("Acme", map[string]vendor.Word{"tests": vendor.No}))
		must(t, err)
		if own.Revision != 1 || own.Score != 100*(46-2)/46 {
			t.Errorf("%+v", own)
		}
		if _, err := they.Answer(t.Context(), by("u-bob"), 0, they.answered("Acme", nil)); !errs.Is(err, errs.Conflict) {
			t.Errorf("what was not read was replaced: %v", err)
		}
		st, err := they.Share(t.Context())
		must(t, err)
		if text, err := json.Marshal(st); err != nil || strings.Contains(string(text), "u-bob") {
			t.Errorf("it names who answered: %v", err)
		}
		us.keep(t, "acme", us.some(400))
		taken := vendor.Taken{Revision: 1, Statement: st, Keys: they.vkeys(t), Next: us.in(300)}
		if _, err := us.Take(t.Context(), by("u-ann"), "acme", taken); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "say by when") {
			t.Errorf("a bad answer of a statement needs nothing: %v", err)
		}
		taken.Until = us.in(60)
		k, err := us.Take(t.Context(), by("u-ann"), "acme", taken)
		must(t, err)
		if k.Score != own.Score || len(actions(k)) != 1 || k.Source == nil || k.Source.Name != "Acme" || k.Source.SHA256 != st.SHA256() || k.Source.At.IsZero() {
			t.Errorf("%+v", k)
		}
		if _, err := us.Take(t.Context(), by("u-ann"), "acme", taken); !errs.Is(err, errs.Conflict) {
			t.Errorf("at a revision that is gone: %v", err)
		}
		if k := us.assess(t, us.asked(k, nil)); k.Source != nil {
			t.Error("answers that came otherwise are said to be the ledger's")
		}
		if _, err := us.Take(t.Context(), by("u-ann"), "globex", taken); !errs.Is(err, errs.NotFound) {
			t.Errorf("one that is not there: %v", err)
		}
	})
}

// A statement that is not the vendor's, is old, or is of something else is refused.
func TestStatementsThatProveNothingAreRefused(t *testing.T) {
	us, they := opened(t, rig.Open(t, rig.Config{})), opened(t, rig.Open(t, rig.Config{}))
	_, err := they.Answer(t.Context(), by("u-bob"), 0, they.answered("Acme", nil))
	must(t, err)
	older, err := they.Share(t.Context())
	must(t, err)
	they.now = they.now.Add(time.Hour)
	newer, err := they.Share(t.Context())
	must(t, err)
	odd := func(kind, text string) dossier.Statement {
		st, err := they.seal(t.Context(), kind, text)
		must(t, err)
		return st
	}
	good := newer.Text
	us.keep(t, "acme", us.some(400))
	for name, c := range map[string]struct {
		st   dossier.Statement
		keys []string
		want string
	}{
		"by our key":       {newer, us.vkeys(t), "not signed"},
		"by no key":        {newer, nil, "not signed"},
		"of another kind":  {odd("else", good), they.vkeys(t), "not about answers"},
		"of other answers": {odd("answers", strings.Replace(good, `"questionnaire":1`, `"questionnaire":2`, 1)), they.vkeys(t), "version 2"},
		"no JSON":          {odd("answers", "yes"), they.vkeys(t), "malformed"},
		"with more":        {odd("answers", strings.Replace(good, `"questionnaire":1`, `"questionnaire":1,"more":1`, 1)), they.vkeys(t), "malformed"},
		"with codes":       {odd("answers", strings.Replace(good, `"Acme"`, `"\u001b[2J"`, 1)), they.vkeys(t), "not lines"},
		"with a gap":       {odd("answers", strings.Replace(good, `"tests":{"is":"yes"}`, `"tests":{"is":""}`, 1)), they.vkeys(t), "every question"},
	} {
		_, err := us.Take(t.Context(), by("u-ann"), "acme", vendor.Taken{Revision: 1, Statement: c.st, Keys: c.keys, Next: us.in(300), Until: us.in(30)})
		if !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Public(err), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	k, err := us.Take(t.Context(), by("u-ann"), "acme", vendor.Taken{Revision: 1, Statement: newer, Keys: they.vkeys(t), Next: us.in(300)})
	must(t, err)
	again := vendor.Taken{Revision: k.Revision, Statement: older, Keys: they.vkeys(t), Next: us.in(300)}
	if _, err := us.Take(t.Context(), by("u-ann"), "acme", again); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "newer answers") {
		t.Errorf("older ones came after newer ones: %v", err)
	}
	us.now = us.in(368)
	again.Statement, again.Next = newer, us.in(300)
	if _, err := us.Take(t.Context(), by("u-ann"), "acme", again); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "last 366 days") {
		t.Errorf("old ones: %v", err)
	}
	_, err = they.Answer(t.Context(), by("u-bob"), 1, func() vendor.Own {
		own := they.answered("Acme", nil)
		own.Answers["tests"] = vendor.Answer{Is: vendor.Yes, Until: they.in(5)}
		return own
	}())
	must(t, err)
	they.now = they.in(6)
	if _, err := they.Share(t.Context()); !errs.Is(err, errs.Invalid) {
		t.Errorf("an answer that has ended is shared: %v", err)
	}
	for name, own := range map[string]vendor.Own{"nobody's": they.answered("", nil), "with a gap": {Name: "a", Service: "b"}, "two lines": they.answered("a\nb", nil)} {
		if _, err := they.Answer(t.Context(), by("u-bob"), 2, own); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
