// Package clock makes time an input.
package clock

import "time"

// Clock tells the time. Production uses System; tests pass their own.
type Clock func() time.Time

// System is the machine's clock in UTC.
func System() time.Time { return time.Now().UTC() }
