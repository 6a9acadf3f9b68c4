package deps

import (
	"time"

	"github.com/tutela-health/tutela/supply"
)

func excuse(*supply.Tree, []supply.Finding, time.Time) []string { return nil }
