package simulate

import (
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Config says how large a hospital, for how long, and how much misuse there is in it.
type Config struct {
	Seed     uint64
	Staff    int       // people who work there at some time: 60 to 20,000
	Patients int       // charts that exist: 500 to 1,000,000
	Days     int       // 1 to 400
	Start    time.Time // the first day, midnight UTC: the hospital's clocks show UTC
	// Misuse is the share of staff-days with work in them that hold misuse, 0 to 0.2.
	Misuse float64
	Tenant tutela.Tenant
}

// Default is the hospital of the documented figures.
func Default() Config {
	return Config{
		Seed: 1, Staff: 2000, Patients: 50_000, Days: 90, Misuse: 0.003, Tenant: "hospital",
		Start: time.Date(2026, 8, 17, 0, 0, 0, 0, time.UTC),
	}
}

// check refuses what no hospital can be made of.
func (c Config) check() error {
	switch {
	case c.Staff < 60 || c.Staff > 20_000:
		return errs.New(errs.Invalid, "a simulated hospital has 60 to 20000 staff, not %d", c.Staff)
	case c.Patients < 500 || c.Patients > 1_000_000:
		return errs.New(errs.Invalid, "a simulated hospital has 500 to 1000000 patients, not %d", c.Patients)
	case c.Days < 1 || c.Days > 400:
		return errs.New(errs.Invalid, "a simulation takes 1 to 400 days, not %d", c.Days)
	case c.Misuse < 0 || c.Misuse > 0.2:
		return errs.New(errs.Invalid, "the share of misuse is 0 to 0.2, not %v", c.Misuse)
	case c.Tenant == "":
		return errs.New(errs.Invalid, "a simulated hospital needs a tenant's name")
	case c.Start.IsZero() || !c.Start.Equal(c.Start.UTC().Truncate(24*time.Hour)):
		return errs.New(errs.Invalid, "a simulation starts at midnight UTC")
	}
	return nil
}
