package lock

import (
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// gradleLock reads gradle.lockfile: group:artifact:version=configurations.
func gradleLock(text []byte) (*List, error) {
	l := &List{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || strings.HasPrefix(line, "empty=") {
			continue
		}
		name, configurations, _ := strings.Cut(line, "=")
		p := strings.Split(name, ":")
		if len(p) != 3 {
			l.miss("a line", "is not group:artifact:version")
			continue
		}
		l.add(supply.Component{Ecosystem: "Maven", Name: p[0] + ":" + p[1], Version: p[2], Develop: onlyTests(configurations)})
	}
	return l, nil
}

// onlyTests reports whether all configurations are of tests.
func onlyTests(configurations string) bool {
	for c := range strings.SplitSeq(configurations, ",") {
		if !strings.HasPrefix(strings.ToLower(c), "test") {
			return false
		}
	}
	return true
}
