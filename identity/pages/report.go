package pages

import (
	"context"
	"net/http"
	"time"

	"github.com/tutela-health/tutela"
)

const reportPage = "/report"

// Reports is what the page on which anybody says that something is wrong asks of the planes. Every call is decided
// for who asks, and is in the ledger before it answers.
type Reports interface {
	// Report takes in what somebody tells.
	Report(ctx context.Context, by tutela.Principal, text, kind string) error
	// Reported gives what the caller told, the newest first, and how far each is.
	Reported(ctx context.Context, by tutela.Principal) ([]Told, error)
}

// Told is something that somebody told.
type Told struct {
	At    time.Time
	State string
}

// reportBody is what the page draws.
type reportBody struct {
	Told  []Told
	Kinds []choice
	Text  string
	Kind  string
}

func reportKinds() []choice {
	return []choice{
		{"other", "I am not sure"}, {"misdirected-disclosure", "Something went to the wrong person"}, {"lost-device", "A device or papers are lost or stolen"},
		{"account-takeover", "Somebody else may use an account"}, {"insider", "Somebody looks at what is not his to"},
		{"ransomware", "A machine is infected, or files do not open"}, {"vendor-breach", "A supplier was attacked"}, {"downtime", "The system does not work"},
	}
}

// report shows what somebody told, and asks what is wrong.
func report(v *visit) error { return v.drawReport(http.StatusOK, reportBody{Kind: "other"}, problem{}) }

func (v *visit) drawReport(status int, b reportBody, wrong problem) error {
	var err error
	if b.Told, err = v.pages.desk.Reported(v.r.Context(), v.by()); err != nil {
		return err
	}
	b.Kinds = reportKinds()
	return render(v, "report", status, page[reportBody]{Title: "Say that something is wrong", Place: "report", Me: v.me(), Token: v.token(),
		Notice: notice(v.r.URL.Query().Get("done")), Problem: wrong, Body: b})
}

// sendReport takes it in.
func sendReport(v *visit) error {
	b := reportBody{Text: v.value("text"), Kind: v.value("kind")}
	if err := v.pages.desk.Report(v.r.Context(), v.by(), b.Text, b.Kind); err != nil {
		status, wrong, err := amiss("text", err)
		if err != nil {
			return err
		}
		return v.drawReport(status, b, wrong)
	}
	v.redirect(reportPage + "?done=reported")
	return nil
}
