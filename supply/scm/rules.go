package scm

import "github.com/tutela-health/tutela/supply"

func made(id, name string, s supply.Severity, cwe, owasp, help string) supply.Rule {
	r := supply.Rule{ID: "scm." + id, Name: name, Help: help, Severity: s}
	if cwe != "" {
		r.CWE = []string{cwe}
	}
	if owasp != "" {
		r.OWASP = []string{owasp}
	}
	return r
}

// The OWASP Top 10 of 2021 that the keeping of source runs into.
const (
	accessControl    = "A01:2021"
	misconfiguration = "A05:2021"
	authentication   = "A07:2021"
	integrity        = "A08:2021"
	cryptography     = "A02:2021"
)

func noReview() supply.Rule {
	return made("no-review", "Changes without a review", supply.High, "CWE-284", integrity, "Require a pull request and at least one approval before the main branch changes.")
}

func rewritable() supply.Rule {
	return made("rewritable-history", "History that can be rewritten", supply.High, "CWE-284", integrity, "Forbid force pushes to the main branch: what was reviewed and shipped must stay what it was.")
}

func deletable() supply.Rule {
	return made("deletable-branch", "A main branch that can be deleted", supply.Medium, "CWE-284", integrity, "Forbid its deletion.")
}

func noChecks() supply.Rule {
	return made("no-checks", "Changes that no check has passed", supply.Medium, "CWE-284", integrity, "Require status checks, the gate among them, before the main branch changes.")
}

func staleApproval() supply.Rule {
	return made("stale-approval", "Approvals that outlive what was approved", supply.Medium, "CWE-284", integrity, "Dismiss approvals when something is pushed after them.")
}

func bypassed() supply.Rule {
	return made("bypass", "Rules that some need not keep", supply.Medium, "CWE-284", integrity, "Take the exceptions away; let an emergency be a change of the rules that others see.")
}

func noSecondFactor() supply.Rule {
	return made("no-second-factor", "Two-factor authentication is not required", supply.High, "CWE-308", authentication, "Require it in the organisation's settings.")
}

func withoutSecondFactor() supply.Rule {
	return made("without-second-factor", "People who sign in with a password alone", supply.High, "CWE-308", authentication, "Have them enrol a second factor, or take their rights away.")
}

func manyAdministrators() supply.Rule {
	return made("many-administrators", "More administrators than anybody looks after", supply.Medium, "CWE-269", accessControl, "Give people the right that their work takes.")
}

func outsideAdmin() supply.Rule {
	return made("outside-administrator", "Somebody from outside administers it", supply.High, "CWE-269", accessControl, "Make them a member, under its rules, or take the right away.")
}

func outsidePush() supply.Rule {
	return made("outside-push", "Somebody from outside may push", supply.Medium, "CWE-269", accessControl, "Let them send pull requests from a copy of their own.")
}

func staleRight() supply.Rule {
	return made("stale-right", "A right that nobody uses", supply.Medium, "CWE-269", accessControl, "Take it away: an account that nobody looks after is the first to be lost.")
}

func oneOwner() supply.Rule {
	return made("one-owner", "A single owner", supply.Low, "", "", "Have a second owner, who does not use the right from day to day.")
}

func wideDefault() supply.Rule {
	return made("wide-default", "Every member may change every repository", supply.Medium, "CWE-276", accessControl, "Let members read, and give more by team.")
}

func writeKey() supply.Rule {
	return made("write-key", "A deploy key that may push", supply.Medium, "CWE-269", accessControl, "Make it read-only; let an app with a token of an hour push where that is needed.")
}

func wideWorkflows() supply.Rule {
	return made("wide-workflows", "Workflows that may change the repository by default", supply.Medium, "CWE-276", misconfiguration, "Set the default to read, and let a workflow say what more it takes.")
}

func approvingWorkflows() supply.Rule {
	return made("approving-workflows", "Workflows that may approve changes", supply.High, "CWE-284", integrity, "Forbid it: whoever can change a workflow could approve his own changes.")
}

func openHook() supply.Rule {
	return made("open-hook", "A webhook that does not know to whom it talks", supply.High, "CWE-295", cryptography, "Send it to an https address, and have the certificate checked.")
}

func notScanned() supply.Rule {
	return made("not-scanned", "GitHub does not look for what it could", supply.Low, "", misconfiguration, "Turn it on in the repository's security settings.")
}
