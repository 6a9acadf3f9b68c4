package server

import (
	"crypto/fips140"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
)

// Mounted lists the patterns of the routes under a prefix, in order.
func (s *Server) Mounted(prefix string) []string {
	var list []string
	for _, p := range s.mounted {
		if _, path, _ := strings.Cut(p, " "); strings.HasPrefix(path, prefix) {
			list = append(list, p)
		}
	}
	slices.Sort(list)
	return list
}

// FIPSCheck is the check with a list of certified modules of the test's own.
func FIPSCheck(base string, certified ...string) tutela.Check {
	c := fipsCheck{base: base, enabled: fips140.Enabled, module: fips140.Version, certified: certified}
	return tutela.Check{Try: c.try}
}
