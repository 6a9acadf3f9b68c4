package console

// home is where the console begins.
const home = "/console/"

// place is an entry of the menu.
type place struct {
	Name  string // of the pages that belong to it
	Label string
	Path  string
	needs string // the call that its page makes; empty: everybody on the staff may
}

// group is a part of the menu.
type group struct {
	Label  string
	Places []place
}

// places are the menu.
func places() []group {
	return []group{
		{"", []place{
			{"overview", "Overview", home, ""},
			{"duties", "To do", dutiesPath, ""},
			{"policies", "Policies", policiesPath, ""},
			{"training", "Training", trainingPath, ""},
		}},
		{"Watch", []place{
			{"findings", "Findings", findingsPath, listFindings},
			{"incidents", "Incidents", incidentsPath, listIncidents},
			{"breaches", "Breaches", breachesPath, listBreaches},
			{"answers", "Answers", answersPath, listAnswers},
			{"alerts", "Alerts", alertsPath, listAlerts},
			{"ledger", "Ledger", ledgerPath, searchLedger},
		}},
		{"Govern", []place{
			{"controls", "Controls", controlsPath, listControls},
			{"gaps", "Gaps", gapsPath, listGaps},
			{"reviews", "Reviews", reviewsPath, listReviews},
			{"risks", "Risks", risksPath, listRisks},
			{"vendors", "Vendors", vendorsPath, listVendors},
		}},
	}
}

// menu is what of it a person sees.
func (v *visit) menu() []group {
	var list []group
	for _, g := range places() {
		seen := group{Label: g.Label}
		for _, p := range g.Places {
			if p.needs == "" || v.may(p.needs) {
				seen.Places = append(seen.Places, p)
			}
		}
		if len(seen.Places) > 0 {
			list = append(list, seen)
		}
	}
	return list
}
