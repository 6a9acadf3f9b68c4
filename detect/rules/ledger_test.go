package rules_test

import (
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// The table of events beside the rules of the ledger and of access logs.
func ledgerCases() []scenario {
	list := append(loginCases(), accessCases()...)
	list = append(list, lookCases()...)
	list = append(list, glassCases()...)
	return append(list, tamperCases()...)
}

func loginCases() []scenario {
	guesses := func(n int) []*event.Event { return many(n, func(int) *event.Event { return failedLogin("u-9") }) }
	elsewhere := func(network int) *event.Event {
		return entry(tutela.ActionRead, from(fmt.Sprintf("198.%d.0.1", network)), patient(1, "treated"))
	}
	return []scenario{
		{"Many failed logins to one account", guesses(10), append(guesses(9), many(40, func(i int) *event.Event { return failedLogin(fmt.Sprint(i%8), at(time.Hour)) })...)},
		{"Login after many failed ones", append(guesses(10), entry(tutela.ActionAuthenticate, by("u-9"), at(time.Minute))),
			append(guesses(10), entry(tutela.ActionAuthenticate, by("u-8"), at(time.Minute)), entry(tutela.ActionAuthenticate, by("u-9"), at(3*time.Hour)))},
		{"Failed logins to many accounts from one address",
			many(8, func(i int) *event.Event { return failedLogin(fmt.Sprint("u-", i)) }),
			append(many(30, func(i int) *event.Event { return failedLogin(fmt.Sprint("u-", i%7)) }),
				many(30, func(i int) *event.Event {
					return failedLogin(fmt.Sprint("u-", i), at(time.Hour), from("tutela-assess"))
				})...)},
		{"Flood of failed proofs from one address", one(entry(tutela.ActionAuthenticate, anonymous, denied, counted(118))),
			append(one(entry(tutela.ActionAuthenticate, anonymous, denied, counted(99))), entry(tutela.ActionAuthenticate, anonymous, denied, counted(99), at(time.Hour)))},
		{"Refresh token or code used a second time", one(entry(tutela.ActionTokenReuse, anonymous, denied)),
			[]*event.Event{entry(tutela.ActionTokenRevoke), entry(tutela.ActionTokenReuse, anonymous, denied, func(e *event.Event) { e.Client = "tutela-assess-7f" })}},
		{"Known caller from a network that it may not call from", one(entry(tutela.ActionNetwork, denied)), one(entry(tutela.ActionNetwork, denied, from("tutela-assess")))},
		{"Login after a reset by somebody else, from a network that is new in that hour",
			[]*event.Event{entry(tutela.ActionUserReset, by("admin"), about("user", "u-17", "")), at2(elsewhere(1), time.Minute), at2(elsewhere(2), 2*time.Minute)},
			[]*event.Event{entry(tutela.ActionUserReset, by("admin"), about("user", "u-17", "")), at2(elsewhere(1), time.Minute), at2(elsewhere(1), 2*time.Minute)}},
		{"One account at three places at once", many(3, elsewhere),
			append(many(20, func(i int) *event.Event { return elsewhere(i % 2) }), many(20, func(i int) *event.Event { return at2(elsewhere(0), time.Hour) })...)},
		{"One session at two places at once", many(2, elsewhere), every(10*time.Minute, 5, elsewhere)},
		{"An account wakes after a long silence", []*event.Event{entry(tutela.ActionRead), entry(tutela.ActionRead, at(100*24*time.Hour))},
			every(60*24*time.Hour, 5, func(int) *event.Event { return entry(tutela.ActionRead) })},
		{"An account is used although its owner has left",
			[]*event.Event{entry(tutela.ActionUserDisable, by("admin"), about("user", "u-17", "")), entry(tutela.ActionRead, at(time.Hour))},
			[]*event.Event{
				entry(tutela.ActionUserDisable, by("admin"), about("user", "u-17", "")), entry(tutela.ActionRead, denied, at(time.Hour)),
				entry(tutela.ActionUserEnable, by("admin"), about("user", "u-17", ""), at(2*time.Hour)), entry(tutela.ActionRead, at(3*time.Hour)),
			}},
	}
}

func at2(e *event.Event, after time.Duration) *event.Event {
	e.Time = start().Add(after)
	return e
}

func accessCases() []scenario {
	charts := func(n int, changes ...func(*event.Event)) []*event.Event {
		return many(n, func(i int) *event.Event {
			return entry(tutela.ActionRead, append([]func(*event.Event){patient(i, "treated")}, changes...)...)
		})
	}
	exports := func(n int) []*event.Event {
		return many(n, func(i int) *event.Event { return entry(tutela.ActionExport, patient(i, "treated")) })
	}
	given := entry(tutela.ActionUserRoles, by("admin"), about("user", "u-17", "auditor"), at(-time.Hour))
	return []scenario{
		{"Somebody changed what his own account may", one(entry(tutela.ActionUserRoles, about("user", "u-17", "admin"))),
			one(entry(tutela.ActionUserRoles, about("user", "u-18", "admin")))},
		{"Charts leave soon after rights were given", append(one(given), exports(1)...), append(one(given), charts(40)...)},
		{"Refused again and again", many(30, func(int) *event.Event { return entry(tutela.ActionRead, denied) }),
			append(many(29, func(int) *event.Event { return entry(tutela.ActionRead, denied) }), many(60, func(int) *event.Event { return entry(tutela.ActionRead, denied, by("tutela-canary")) })...)},
		{"Many ids that do not exist", many(30, func(int) *event.Event { return entry(tutela.ActionRead, notFound) }),
			append(many(29, func(int) *event.Event { return entry(tutela.ActionRead, notFound) }), charts(100)...)},
		{"Very many charts opened in an hour", charts(150), append(charts(149), charts(400, role("patient"), by("u-2"))...)},
		{"Many exports in an hour", exports(20), append(exports(19), many(60, func(int) *event.Event { return entry(tutela.ActionExport, patient(1), by("u-2")) })...)},
		{"Much data taken in an hour", charts(6, bytes(20_000_000)), charts(4, bytes(20_000_000))},
	}
}

func lookCases() []scenario {
	look := func(flag string, more ...string) *event.Event {
		return entry(tutela.ActionRead, patient(1, append([]string{flag}, more...)...))
	}
	lookUp := func(rule, flag string) scenario {
		return scenario{rule, one(look(flag)), []*event.Event{
			look(flag, "treated"), entry(tutela.ActionRead, role("patient"), patient(1, flag)),
			entry(tutela.ActionSearch, patient(1, flag, "treated"), patient(2)), entry(tutela.ActionRead, notFound),
		}}
	}
	vip := func(i int) *event.Event { return entry(tutela.ActionRead, by(fmt.Sprint("u-", i)), patient(1, "vip")) }
	strangers := func(n int, flag string, changes ...func(*event.Event)) []*event.Event {
		return many(n, func(i int) *event.Event {
			return entry(tutela.ActionRead, append([]func(*event.Event){patient(i, flag)}, changes...)...)
		})
	}
	return []scenario{
		lookUp("Look-up of the own chart", "self"),
		lookUp("Look-up of somebody of the same household", "household"),
		lookUp("Look-up of somebody of the same name", "same-name"),
		lookUp("Look-up of a co-worker", "co-worker"),
		lookUp("Look-up of a neighbour", "neighbour"),
		lookUp("Look-up of a person of public interest", "vip"),
		lookUp("Access after discharge", "discharged"),
		{"Several people look at a person of public interest", many(3, vip), many(20, func(i int) *event.Event { return vip(i % 2) })},
		{"Many patients after their discharge", strangers(10, "discharged"), strangers(9, "discharged")},
		{"Charts of patients in others' care", strangers(30, "unrelated"), append(strangers(29, "unrelated"), strangers(40, "unrelated", role("billing"), by("u-2"))...)},
	}
}

func glassCases() []scenario {
	broken := func(n int, gap time.Duration, changes ...func(*event.Event)) []*event.Event {
		return every(gap, n, func(i int) *event.Event {
			return entry(tutela.ActionBreakGlassOpen, append([]func(*event.Event){patient(i, "emergency")}, changes...)...)
		})
	}
	judged := func(detail string) []*event.Event {
		return one(entry(tutela.ActionBreakGlassReview, by("privacy"), about("break-glass", "e0", detail)))
	}
	day := 24 * time.Hour
	late := entry(tutela.ActionRead, by("u-2"), at(4*day))
	return []scenario{
		{"Glass broken often", broken(5, time.Hour), broken(9, 7*time.Hour)},
		{"Glass broken week after week", broken(10, day), broken(20, 2*day)},
		{"Glass broken for somebody close", one(entry(tutela.ActionBreakGlassOpen, patient(1, "emergency", "household"))), broken(1, time.Hour)},
		{"Refused emergency access, again and again", broken(3, time.Minute, denied), broken(2, time.Minute, denied)},
		{"Emergency access found unjustified", judged("unjustified"), judged("justified")},
		{"An emergency access was not reviewed in time", append(broken(1, time.Hour), late),
			[]*event.Event{broken(1, time.Hour)[0], entry(tutela.ActionBreakGlassReview, by("privacy"), about("break-glass", "e0", "justified"), at(day)), late}},
	}
}

func tamperCases() []scenario {
	shut := func(n int) []*event.Event {
		return many(n, func(i int) *event.Event {
			return entry(tutela.ActionUserDisable, by("admin"), about("user", fmt.Sprint("u-", i), ""))
		})
	}
	destroy := func(n int) []*event.Event {
		return every(time.Hour, n, func(i int) *event.Event {
			return entry(tutela.ActionKeyDestroy, by("admin"), about("key-generation", fmt.Sprint(i), "wanted"), func(e *event.Event) { e.Tenant = "clinic" })
		})
	}
	failed := func(e *event.Event) { e.Outcome = tutela.OutcomeError }
	refused := func(e *event.Event) { e.Outcome = tutela.OutcomeFailed }
	return []scenario{
		{"A check of the ledger, of keys or of backups fails", one(entry(tutela.ActionEvidence, evidence("recover.copies", tutela.Fail))),
			[]*event.Event{entry(tutela.ActionEvidence, evidence("recover.copies", tutela.Pass)), entry(tutela.ActionEvidence, evidence("code.xss", tutela.Fail))}},
		{"Backups stopped", one(entry(tutela.ActionBackupFail, failed)), one(entry(tutela.ActionBackupFail))},
		{"Somebody wants several generations of keys destroyed", destroy(3), destroy(2)},
		{"Keys moved, or the recovery key made anew", one(entry(tutela.ActionRecoverySplit)), one(entry(tutela.ActionKeyRotate))},
		{"Store restored", one(entry(tutela.ActionBackupRestore)), one(entry(tutela.ActionBackupVerify))},
		{"A verification of the ledger found changes", one(entry(tutela.ActionAuditVerify, refused)), one(entry(tutela.ActionAuditVerify))},
		{"Changed policies or rules refused", one(entry(tutela.ActionPolicyReload, refused)), one(entry(tutela.ActionPolicyReload))},
		{"Many accounts shut within an hour", shut(20), shut(19)},
		{"A node's clock was set back", []*event.Event{entry(tutela.ActionRead), entry(tutela.ActionRead, at(-time.Hour))},
			[]*event.Event{entry(tutela.ActionRead), entry(tutela.ActionRead, at(-time.Minute)), entry(tutela.ActionRead, at(-time.Hour), func(e *event.Event) { e.Node = "node-2" })}},
	}
}
