package console

import (
	"github.com/tutela-health/tutela/assure/remedy"
	"github.com/tutela-health/tutela/assure/review"
	"github.com/tutela-health/tutela/assure/risk"
	"github.com/tutela-health/tutela/assure/vendor"
)

// The addresses of the registers that an organisation governs by.
const (
	risksPath   = home + "risks"
	vendorsPath = home + "vendors"
	gapsPath    = home + "gaps"
	reviewsPath = home + "reviews"
)

// worst is the greatest likelihood and the greatest impact.
const worst = 5

// risksBody is what may happen, and how many risks there are of each likelihood and impact.
type risksBody struct {
	List []risk.Kept
	Heat []heatRow
}

// heatRow is the risks of one impact, by likelihood.
type heatRow struct {
	Impact int
	Cells  []heatCell
}

type heatCell struct {
	Number int
	Level  string // of severity
}

// heat counts what is left of risks.
func heat(list []risk.Kept) []heatRow {
	var rows []heatRow
	for impact := worst; impact > 0; impact-- {
		row := heatRow{Impact: impact}
		for likelihood := 1; likelihood <= worst; likelihood++ {
			cell := heatCell{Level: levelOf(likelihood * impact)}
			for _, k := range list {
				if k.Residual.Likelihood == likelihood && max(k.Residual.Safety, k.Residual.Data) == impact {
					cell.Number++
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		rows = append(rows, row)
	}
	return rows
}

// levelOf is a score in a word: from risk.High on two people agree to it.
func levelOf(score int) string {
	switch {
	case score >= 2*risk.High:
		return "critical"
	case score >= risk.High:
		return "high"
	case score >= risk.High/2:
		return "medium"
	}
	return "low"
}

// risks lists what may happen, what is left the most first.
func risks(v *visit) error {
	list, err := get[[]risk.Kept](v, "/api/v1/risks")
	if err != nil {
		return err
	}
	return draw(v, "risks", page[risksBody]{Title: "Risks", Place: "risks", Body: risksBody{list, heat(list)}})
}

// vendors lists who works for the organisation.
func vendors(v *visit) error {
	list, err := get[[]vendor.Kept](v, "/api/v1/vendors")
	if err != nil {
		return err
	}
	return draw(v, "vendors", page[[]vendor.Kept]{Title: "Vendors", Place: "vendors", Body: list})
}

// gapsBody is what is not as it should be, and what others test.
type gapsBody struct {
	Gaps  []remedy.Kept
	Tests []remedy.KeptTest
}

func gaps(v *visit) (err error) {
	var b gapsBody
	if b.Gaps, err = get[[]remedy.Kept](v, "/api/v1/gaps"); err != nil {
		return err
	}
	if b.Tests, err = get[[]remedy.KeptTest](v, "/api/v1/tests"); err != nil {
		return err
	}
	return draw(v, "gaps", page[gapsBody]{Title: "Gaps", Place: "gaps", Body: b})
}

// reviews lists what is looked at again and again.
func reviews(v *visit) error {
	list, err := get[[]review.Kept](v, "/api/v1/reviews")
	if err != nil {
		return err
	}
	return draw(v, "reviews", page[[]review.Kept]{Title: "Reviews", Place: "reviews", Body: list})
}

// oneReview shows the newest round of a review.
func oneReview(v *visit) error {
	r, err := get[review.KeptRound](v, "/api/v1/reviews/"+v.id("sort"))
	if err != nil {
		return err
	}
	return draw(v, "review", page[review.KeptRound]{Title: "Review of " + plain(r.Sort), Place: "reviews", Up: reviewsPath, UpName: "Reviews", Body: r})
}
