package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
	"github.com/tutela-health/tutela/supply/attest"
)

// MaxReport is how long a report may be, in bytes.
const MaxReport = 8 << 20

// Received is what became of a report.
type Received struct {
	Statement  string            `json:"statement"`  // SHA-256 of what was signed, in hex
	Predicate  string            `json:"predicate"`  // its type
	Repository string            `json:"repository"` // as the pipeline was registered for
	Commit     string            `json:"commit,omitempty"`
	Evidence   []tutela.Evidence `json:"evidence"`
	Bill       string            `json:"sbom,omitempty"` // by which id the bill of materials is kept
}

// Said is what the ledger keeps of a report beside its evidence, in the entry's general section.
type Said struct {
	Pipeline   string       `json:"pipeline"`
	Repository string       `json:"repository"`
	Commit     string       `json:"commit,omitempty"`
	Files      string       `json:"dirHash,omitempty"`
	Predicate  string       `json:"predicate"`
	Statement  string       `json:"statement"`
	Key        string       `json:"key"`
	Result     string       `json:"result,omitempty"`
	Reasons    []string     `json:"reasons,omitempty"`
	Policy     string       `json:"policy,omitempty"` // SHA-256 of .tutela.yaml; empty for the default
	URL        string       `json:"url,omitempty"`
	Waivers    []SaidWaiver `json:"waivers,omitempty"`
}

// SaidWaiver is a waiver that excused findings.
type SaidWaiver struct {
	Rule     string    `json:"rule"`
	Reason   string    `json:"reason"`
	Owner    string    `json:"owner,omitempty"`
	Approver string    `json:"approver,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
	Findings int       `json:"findings"`
}

// report is a statement on its way into the ledger.
type report struct {
	pipeline  Pipeline
	statement attest.Statement
	subject   attest.Resource
	digest    [32]byte
	said      Said
	evidence  []tutela.Evidence
	bill      *Bill
	text      []byte // of the bill
	scan      *attest.Scan
}

// Receive takes what a pipeline signed into the ledger: base with what was said, an entry for each piece
// of evidence, and the bill of materials, in one transaction. A foreign signer and another repository are
// errs.Denied; what came before is errs.Conflict.
func (s *Service) Receive(ctx context.Context, by tutela.Principal, base *tutela.Entry, text []byte) (Received, error) {
	pipeline, keys, err := s.reporter(ctx, by)
	if err != nil {
		return Received{}, err
	}
	r, err := s.verified(pipeline, keys, text)
	if err != nil {
		return Received{}, err
	}
	base.Subject = &tutela.Subject{Kind: "statement", ID: r.said.Statement, Detail: r.on()}
	if err := s.weigh(r); err != nil {
		return Received{}, err
	}
	base.Subject.Detail += ": " + r.said.Result
	base.Outcome = tutela.OutcomeSuccess
	if r.scan != nil && s.cfg.Scanned != nil {
		if err := s.cfg.Scanned(ctx, *base, r.said.Repository, *r.scan); err != nil {
			return Received{}, err
		}
	}
	if err := s.keep(ctx, *base, r); err != nil {
		return Received{}, err
	}
	out := Received{Statement: r.said.Statement, Predicate: r.said.Predicate, Repository: r.said.Repository, Commit: r.said.Commit, Evidence: append([]tutela.Evidence{}, r.evidence...)}
	if r.bill != nil {
		out.Bill = r.bill.ID
	}
	return out, nil
}

// verified is the statement of an envelope, once it is known that this pipeline signed it, about its repository.
func (s *Service) verified(p Pipeline, keys []*attest.Verifier, text []byte) (*report, error) {
	e, err := attest.Parse(text)
	if err != nil {
		return nil, errs.New(errs.Invalid, "send one DSSE envelope: %v", err)
	}
	st, signer, err := e.Verify(keys...)
	switch {
	case errors.Is(err, attest.ErrSignature):
		return nil, errs.New(errs.Denied, "the pipeline's key did not sign this")
	case err != nil:
		return nil, errs.New(errs.Unprocessable, "%v", err)
	case len(st.Subject) != 1:
		return nil, errs.New(errs.Unprocessable, "a report speaks of one tree")
	}
	r := &report{pipeline: p, statement: st, subject: st.Subject[0]}
	if attest.Repository(r.subject.URI) != p.Repository {
		return nil, errs.New(errs.Denied, "the pipeline was registered for %s, and the statement speaks of another repository, or names none (git remote get-url origin)", p.Repository)
	}
	payload, err := e.Signed()
	if err != nil {
		return nil, err
	}
	r.digest = sha256.Sum256(payload)
	r.said = Said{
		Pipeline: p.Name, Repository: p.Repository, Commit: plainDigest(r.subject.Digest["gitCommit"]), Files: plainDigest(r.subject.Digest["dirHash"]),
		Predicate: st.PredicateType, Statement: hex.EncodeToString(r.digest[:]), Key: signer.ID(),
	}
	if r.said.Commit == "" && r.said.Files == "" {
		return nil, errs.New(errs.Unprocessable, "the statement names neither a commit nor the files")
	}
	return r, nil
}

// plainDigest takes a digest in hex, and nothing else.
func plainDigest(text string) string {
	if b, err := hex.DecodeString(text); err != nil || len(b) < 20 || len(b) > 64 {
		return ""
	}
	return text
}

// on names what a report speaks of.
func (r *report) on() string {
	if r.said.Commit != "" {
		return r.said.Repository + "@" + r.said.Commit
	}
	return r.said.Repository + "@dirHash:" + r.said.Files
}

// keep makes a report durable.
func (s *Service) keep(ctx context.Context, base tutela.Entry, r *report) error {
	body, err := json.Marshal(r.said)
	if err != nil {
		return fmt.Errorf("encode what was said: %w", err)
	}
	now := s.cfg.Clock()
	op := store.Op{Claims: []store.Claim{s.first(r, now)}}
	if r.bill != nil {
		if err := s.shelve(ctx, &op, r, now); err != nil {
			return err
		}
	}
	if err := s.enter(ctx, &op, base, []tutela.Section{{Patient: tutela.BucketGeneral, Body: body}}); err != nil {
		return err
	}
	for i := range r.evidence {
		e := base
		e.ID, e.Action, e.Status = "", tutela.ActionEvidence, 0
		e.Subject, e.Evidence = &tutela.Subject{Kind: "check", ID: r.evidence[i].Check, Detail: r.said.Statement}, &r.evidence[i]
		if err := s.enter(ctx, &op, e, nil); err != nil {
			return err
		}
	}
	if err := s.cfg.DB.Commit(ctx, op); err != nil {
		if errs.Is(err, errs.Conflict) {
			err = errs.Wrap(errs.Conflict, err, "this statement came before")
		}
		return err
	}
	return nil
}

// enter adds an entry to an op.
func (s *Service) enter(ctx context.Context, op *store.Op, e tutela.Entry, sections []tutela.Section) error {
	leaves, err := s.cfg.Audit.Encode(ctx, e, sections, nil)
	op.Entries = append(op.Entries, leaves...)
	return err
}
