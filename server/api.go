package server

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access/emergency"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/dossier/binder"
	"github.com/tutela-health/tutela/assure/duty"
	"github.com/tutela-health/tutela/assure/policy"
	"github.com/tutela-health/tutela/assure/remedy"
	"github.com/tutela-health/tutela/assure/review"
	"github.com/tutela-health/tutela/assure/risk"
	"github.com/tutela-health/tutela/assure/training"
	"github.com/tutela-health/tutela/assure/vendor"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect"
	sources "github.com/tutela-health/tutela/detect/intake/gate"
	"github.com/tutela-health/tutela/detect/intake/reception"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/privacy/erasure"
	"github.com/tutela-health/tutela/privacy/rights"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/recovery/holders"
	"github.com/tutela-health/tutela/respond/alert"
	"github.com/tutela-health/tutela/respond/answer"
	"github.com/tutela-health/tutela/respond/breach"
	"github.com/tutela-health/tutela/respond/incident"
	"github.com/tutela-health/tutela/respond/siem"
	"github.com/tutela-health/tutela/respond/tracker"
	"github.com/tutela-health/tutela/supply/evidence"
)

// API is what the routes of /api/v1 need of the planes; cmd fills it in.
type API struct {
	Base         string // public base URL: invitations are links to it
	Bucket       func(tutela.PatientID) tutela.Bucket
	Keys         func(context.Context, func(tutela.WrappedKey) error) error
	Provider     string
	Assess       func(context.Context) ([]assure.Result, error)
	RebuildIndex func(context.Context) error
	IndexState   func(context.Context) (IndexState, error)
	Emergencies  *emergency.Service

	Erasures       *erasure.Service
	Generations    func(context.Context) ([]tutela.KeyGeneration, error)
	OldKeys        func(context.Context) (keys int, generations []int, err error)
	RotateKeys     func(context.Context) (generation int, err error)
	RotateIndex    func(context.Context) (key int64, err error)
	AgreeToDestroy func(ctx context.Context, generation int, by tutela.UserID, at time.Time) (tutela.KeyGeneration, error)
	DestroyAfter   time.Duration // how long a generation is kept that two people want destroyed
	Rights         *rights.Service
	Backups        Backups
	Recovery       *holders.Service
	Supply         *evidence.Service
	Findings       *detect.Service
	Events         *reception.Reception // what other systems tell
	Answers        *answer.Service
	Incidents      *incident.Service
	Sources        func() []sources.State // how the systems are doing that tell what happens in them
	Breaches       *breach.Service
	Alerts         *alert.Service
	Trackers       *tracker.Service
	Export         *siem.Service
	Controls       func() *control.Board // of the checks that the server itself brings too
	Packages       *binder.Binder
	Risks          *risk.Service
	Vendors        *vendor.Service
	Reviews        *review.Service
	Duties         *duty.Service
	Gaps           *remedy.Service
	Policies       *policy.Service
	Training       *training.Service
	KeyProvider    func(context.Context) (KeyProvider, error)
	// MoveKeys moves generations to the provider that the node's configuration names.
	MoveKeys func(context.Context, tutela.Entry) (KeyProvider, error)
	// Search gives the resources that a caller finds by a FHIR search, all pages of it, each with its entry.
	Search func(ctx context.Context, caller tutela.Principal, query string) ([]*r4.Resource, error)
}

// IndexState is how far the blind index is.
type IndexState struct {
	Version  int64 `json:"version"`
	Building bool  `json:"building"`
	Done     int64 `json:"done"`
	Total    int64 `json:"total"`
}

//go:embed openapi.json
var openAPI []byte

func (*Server) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
}

// foundEntry is a ledger entry as a search shows it. Leaf is -1 while it is not in the tree.
type foundEntry struct {
	Leaf     int64             `json:"leaf"`
	Entry    tutela.Entry      `json:"entry"`
	Writes   int               `json:"writes,omitempty"`
	Personal []personalSection `json:"personal,omitempty"`
}

type personalSection struct {
	Patient string          `json:"patient"` // pseudonym
	Erased  bool            `json:"erased,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
}

// Bounds on a search of the ledger.
const (
	defaultEntries = 100
	maxEntries     = 10_000
)

// ledgerEntries answers: who did what to whose data, when.
func (s *Server) ledgerEntries(ctx context.Context, c *call) (any, error) {
	q, personal, err := s.ledgerQuery(c)
	if err != nil {
		return nil, err
	}
	list := []foundEntry{}
	err = s.cfg.Audit.Search(ctx, q, func(o audit.Opened) error {
		f := foundEntry{Leaf: o.Leaf, Entry: o.Entry, Writes: len(o.Entry.Writes)}
		if personal {
			sections, err := s.cfg.Audit.Sections(ctx, o)
			if err != nil {
				return err
			}
			for _, p := range sections {
				f.Personal = append(f.Personal, personalOf(p))
			}
		}
		list = append(list, f)
		return nil
	})
	return list, err
}

func personalOf(p audit.OpenedSection) personalSection {
	out := personalSection{Patient: audit.Pseudonym(p.Patient), Erased: p.Erased}
	if json.Valid(p.Body) {
		out.Body = p.Body
	}
	return out
}

func (s *Server) ledgerQuery(c *call) (q audit.Query, personal bool, err error) {
	v := c.request.URL.Query()
	q = audit.Query{
		ID: v.Get("id"), Actor: tutela.UserID(v.Get("actor")), Action: tutela.Action(v.Get("action")),
		Outcome: tutela.Outcome(v.Get("outcome")), Newest: v.Get("newest") != "false", Limit: defaultEntries,
	}
	if id := v.Get("patient"); id != "" {
		b := s.cfg.API.Bucket(tutela.PatientID(id))
		q.Patient = &b
		c.section, c.patient = patientAsked(id), tutela.BucketGeneral
	}
	for name, at := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if text := v.Get(name); text != "" {
			if *at, err = time.Parse(time.RFC3339, text); err != nil {
				return q, false, errs.New(errs.Invalid, "%s must be a time of RFC 3339, as in 2026-11-22T10:00:00Z", name)
			}
		}
	}
	if text := v.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > maxEntries {
			return q, false, errs.New(errs.Invalid, "limit must be 1 to %d", maxEntries)
		}
	}
	if text := v.Get("below"); text != "" {
		if q.Below, err = strconv.ParseInt(text, 10, 64); err != nil || q.Below < 1 {
			return q, false, errs.New(errs.Invalid, "below is a place in the tree, from 1")
		}
	}
	return q, v.Get("personal") == "true", nil
}

// patientAsked is the personal part of an entry about a question about a patient.
func patientAsked(id string) []byte {
	b, err := json.Marshal(map[string]string{"query": "Patient/" + id})
	if err != nil {
		return nil
	}
	return b
}

// proofAnswer is a proof that stands alone.
type proofAnswer struct {
	Leaf  int64           `json:"leaf"`
	Proof string          `json:"proof"` // C2SP tlog-proof
	Parts []disclosedPart `json:"parts,omitempty"`
}

type disclosedPart struct {
	Section   int    `json:"section"` // -1: the header
	Salt      []byte `json:"salt"`
	Plaintext []byte `json:"plaintext"`
}

// ledgerProof takes an entry out of the ledger with what proves it.
func (s *Server) ledgerProof(ctx context.Context, c *call) (any, error) {
	v := c.request.URL.Query()
	leaf, err := strconv.ParseInt(v.Get("leaf"), 10, 64)
	if err != nil {
		if v.Get("id") == "" {
			return nil, errs.New(errs.Invalid, "name the entry by id or leaf")
		}
		if leaf, err = s.cfg.Audit.Find(ctx, audit.Query{ID: v.Get("id")}); err != nil {
			return nil, err
		}
	}
	d := audit.Disclose{Header: v.Get("header") == "true"}
	if id := v.Get("patient"); id != "" {
		d.Patients = []tutela.Bucket{s.cfg.API.Bucket(tutela.PatientID(id))}
		c.section = patientAsked(id)
	}
	p, err := s.cfg.Audit.Prove(ctx, leaf, d)
	if err != nil {
		return nil, err
	}
	out := proofAnswer{Leaf: p.Leaf, Proof: string(p.Text)}
	for _, part := range p.Parts {
		out.Parts = append(out.Parts, disclosedPart{part.Section, part.Salt, part.Plaintext})
	}
	return out, nil
}

// keySummary counts the keys of a kind and generation; it shows none.
type keySummary struct {
	Kind       tutela.KeyKind `json:"kind"`
	Generation int            `json:"generation"`
	Versions   int            `json:"newest_version"`
	Count      int            `json:"count"`
	Oldest     time.Time      `json:"oldest"`
	Newest     time.Time      `json:"newest"`
	Provider   string         `json:"provider,omitempty"`
}

func (s *Server) keyList(ctx context.Context, _ *call) (any, error) {
	type group struct {
		kind       tutela.KeyKind
		generation int
	}
	at := map[group]int{}
	list := []keySummary{}
	err := s.cfg.API.Keys(ctx, func(w tutela.WrappedKey) error {
		g := group{w.Kind, w.Generation}
		i, ok := at[g]
		if !ok {
			i = len(list)
			at[g] = i
			list = append(list, keySummary{Kind: w.Kind, Generation: w.Generation, Oldest: w.Created})
			if w.Kind == tutela.KeyRing {
				list[i].Provider = s.cfg.API.Provider
			}
		}
		k := &list[i]
		k.Count++
		k.Versions = max(k.Versions, w.Version)
		if w.Created.Before(k.Oldest) {
			k.Oldest = w.Created
		}
		if w.Created.After(k.Newest) {
			k.Newest = w.Created
		}
		return nil
	})
	return list, err
}

// signers are the keys that sign id_tokens, by name, the one that signs today first.
type signers struct {
	Signs   string   `json:"signs"`
	Retired []string `json:"retired"` // published until what they signed has expired
}

// rotateSigner has a new key sign id_tokens from now on.
func (s *Server) rotateSigner(ctx context.Context, c *call) (any, error) {
	if err := s.cfg.Identity.RotateSigningKey(ctx, c.caller); err != nil {
		return nil, err
	}
	list, err := s.cfg.Identity.VerificationKeys(ctx)
	if err != nil {
		return nil, err
	}
	out := signers{Signs: list[len(list)-1].KeyID, Retired: []string{}}
	for _, k := range list[:len(list)-1] {
		out.Retired = append(out.Retired, k.KeyID)
	}
	return out, nil
}

// assessed is the answer of an assessment.
type assessed struct {
	Evidence []assure.Result `json:"evidence"`
}

func (s *Server) assess(ctx context.Context, _ *call) (any, error) {
	e, err := s.cfg.API.Assess(ctx)
	return assessed{e}, err
}

func (s *Server) rebuildIndex(ctx context.Context, _ *call) (any, error) {
	if err := s.cfg.API.RebuildIndex(ctx); err != nil {
		return nil, err
	}
	return s.cfg.API.IndexState(ctx)
}

func (s *Server) indexState(ctx context.Context, _ *call) (any, error) {
	return s.cfg.API.IndexState(ctx)
}
