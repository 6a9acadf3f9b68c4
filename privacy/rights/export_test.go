package rights

import "time"

// Due is when a request is due.
func Due(k Kind, r Regulation, opened time.Time, extended bool) (time.Time, error) {
	return due(k, r, opened, extended)
}
