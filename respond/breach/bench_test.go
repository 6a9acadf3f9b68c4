package breach_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

// The ledger that is measured: a hospital of accounts who each reach patients all day, in commits of a few entries.
const (
	benchEntries  = 200_000
	benchAccounts = 2_000
	benchDays     = 20
	benchCommit   = 16
)

func fill(b *testing.B, r *rig.Rig, start time.Time) {
	b.Helper()
	dice := rand.New(rand.NewPCG(1, 2))
	var leaves [][]byte
	for i := range benchEntries {
		n := dice.IntN(benchAccounts)
		e := tutela.Entry{
			ID: audit.NewID(), Time: start.Add(time.Duration(i) * (benchDays * 24 * time.Hour / benchEntries)), Node: "n", Tenant: "rig",
			Actor:   tutela.Actor{ID: tutela.UserID(fmt.Sprint("u-", n)), Kind: tutela.ActorPerson, Name: fmt.Sprint("user", n), Roles: []string{"nurse"}, Unit: "ward 3"},
			Session: fmt.Sprint("s-", n), Client: "ehr", Address: fmt.Sprintf("192.0.2.%d", n%250), Assurance: "aal2", Request: audit.NewID(),
			Action: tutela.ActionRead, Type: "Observation", Outcome: tutela.OutcomeSuccess, Status: 200, Purpose: tutela.PurposeTreatment,
			Basis: &tutela.Basis{Policies: []string{"clinical-read"}}, Bytes: 800,
			Patients: []tutela.Touched{{Patient: tutela.Bucket(1000 + dice.IntN(50_000)), Counts: map[string]int{"Observation": 1}}},
		}
		encoded, err := r.Audit.Encode(b.Context(), e, nil, nil)
		if err != nil {
			b.Fatal(err)
		}
		if leaves = append(leaves, encoded...); len(leaves) < benchCommit {
			continue
		}
		if err := r.DB.Commit(b.Context(), store.Op{Entries: leaves}); err != nil {
			b.Fatal(err)
		}
		if leaves = nil; (i+1)%(64*benchCommit) == 0 {
			settle(b, r)
		}
	}
	settle(b, r)
}

func settle(b *testing.B, r *rig.Rig) {
	b.Helper()
	for n := int64(1); n > 0; {
		var err error
		if n, err = r.Audit.Sequence(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSift measures processor time for the two ways to look: an account's week, by postings, and an address, for which
// every header is decrypted.
func BenchmarkSift(b *testing.B) {
	r, start := rig.Open(b, rig.Config{}), time.Now().UTC().AddDate(0, 0, -benchDays-1).Truncate(24*time.Hour)
	fill(b, r, start)
	for name, s := range map[string]audit.Sieve{
		"account": {Actors: []tutela.UserID{"u-7"}, From: start.AddDate(0, 0, 5), To: start.AddDate(0, 0, 12)},
		"address": {Holds: []audit.Fact{{Name: "address", Value: "192.0.2.7"}}, From: start},
	} {
		b.Run(name, func(b *testing.B) {
			found, before := 0, processor(b)
			for b.Loop() {
				found = 0
				if err := r.Audit.Sift(b.Context(), s, func(audit.Opened) error { found++; return nil }); err != nil {
					b.Fatal(err)
				}
			}
			spent := processor(b) - before
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/1e6, "cpu-ms/op")
			b.ReportMetric(float64(found), "found")
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/benchEntries, "cpu-ns/entry")
		})
	}
}

// processor is the processor time that the process has taken.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
