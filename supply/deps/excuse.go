package deps

import (
	"cmp"
	"time"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/vex"
)

// excuse marks the findings that files of the tree excuse, and gives the files that could not be read.
func excuse(t *supply.Tree, found []supply.Finding, now time.Time) (failed []string) {
	var all []vex.Statement
	for _, f := range t.Files {
		if !vex.Is(f.Path) {
			continue
		}
		text, err := f.Read()
		var list []vex.Statement
		if err == nil {
			list, err = vex.Read(f.Path, text)
		}
		if err != nil {
			failed = append(failed, f.Path+": "+err.Error())
		}
		all = append(all, list...)
	}
	for i := range found {
		for _, s := range all {
			if s.Excuses(&found[i], now) {
				found[i].Waiver = &supply.Waiver{Reason: cmp.Or(s.Reason, "none is given"), Expires: s.Until, From: s.From}
				break
			}
		}
	}
	return failed
}
