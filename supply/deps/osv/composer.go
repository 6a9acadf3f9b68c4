package osv

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// composerForm is what Composer's VersionParser takes for a version (getcomposer.org/doc/articles/versions.md): up to four
// numbers, and a stability with a number. Branches (dev-main, 1.x-dev) have no place among versions.
var composerForm = regexp.MustCompile(`^v?(\d{1,9}(?:\.\d{1,9}){0,3})(?:[._-]?(stable|beta|b|rc|alpha|a|patch|pl|p)((?:[.-]?\d{1,9})*))?(?:[.-]?(dev))?(?:\+.*)?$`)

// compareComposer orders as PHP's version_compare does what Composer makes of a version.
func compareComposer(a, b string) (int, error) {
	x, err := composerParts(a)
	if err != nil {
		return 0, err
	}
	y, err := composerParts(b)
	if err != nil {
		return 0, err
	}
	for i := range x {
		if c := cmp.Compare(x[i], y[i]); c != 0 {
			return c, nil
		}
	}
	return 0, nil
}

// composerParts are four numbers, the rank of the stability, its number, and whether it is developed still.
func composerParts(version string) (parts [7]int, err error) {
	m := composerForm.FindStringSubmatch(strings.ToLower(strings.TrimSpace(version)))
	if m == nil {
		return parts, invalid(version)
	}
	for i, n := range strings.Split(m[1], ".") {
		parts[i] = number(n)
	}
	parts[4] = map[string]int{"a": -3, "alpha": -3, "b": -2, "beta": -2, "rc": -1, "": 0, "stable": 0, "p": 1, "pl": 1, "patch": 1}[m[2]]
	parts[5] = number(strings.Trim(m[3], ".-"))
	if m[4] != "" {
		parts[6] = -1
		if m[2] == "" {
			parts[4] = -4 // 1.0-dev comes before 1.0-alpha
		}
	}
	return parts, nil
}

// number reads what the form has found to be digits; of several it takes the first.
func number(s string) int {
	s, _, _ = strings.Cut(strings.ReplaceAll(s, "-", "."), ".")
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
