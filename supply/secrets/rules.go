package secrets

import "github.com/tutela-health/tutela/supply"

// prefix is what all identifiers of this class begin with.
const prefix = "secret."

// remedy is what to do about any of them.
const remedy = "Revoke it where it was issued, issue another, and keep that outside of the repository: what was committed once is in every copy of the history."

// own are the rules beside gitleaks'.
type own struct {
	key, testKey, keystore, jwk       *supply.Rule
	store, hash, password, assigned   *supply.Rule
	url, login, cloud, vendor, health *supply.Rule
}

func newOwn() *own {
	return &own{
		key:      rule("private-key", "private key", "Whoever has it can pose as its owner or read what is meant for the owner.", supply.Critical, "CWE-321", "A02:2021"),
		testKey:  rule("test-private-key", "private key among tests", "A key that tests need opens nothing, as long as nothing else trusts it. Make it when the test runs, or write TESTING KEY in its marks.", supply.Low, "CWE-321", "A02:2021"),
		keystore: rule("keystore", "file that holds private keys", "A password is all that protects the keys in it, and it can be tried without limit.", supply.High, "CWE-321", "A02:2021"),
		jwk:      rule("private-jwk", "private JSON web key", "Whoever has it can sign as the client or backend service that it belongs to.", supply.Critical, "CWE-321", "A02:2021"),
		store:    rule("credential-file", "file of credentials", "A program keeps logins in it. Files like it belong in nobody's repository.", supply.High, "CWE-522", "A04:2021"),
		hash:     rule("password-hash", "stored password", "What passwords are stored as can be tried without limit by whoever has it.", supply.Medium, "CWE-522", "A04:2021"),
		password: rule("password", "password in configuration", "Whoever reads the file can log in.", supply.High, "CWE-259", "A07:2021"),
		assigned: rule("assigned-secret", "secret in source or configuration", "Whoever reads the file can use it.", supply.High, "CWE-798", "A07:2021"),
		url:      rule("url-password", "password in an address", "Addresses end in logs, histories and error messages, and the password with them.", supply.High, "CWE-798", "A07:2021"),
		login:    rule("login-call", "login with a literal password", "Whoever reads the source can log in.", supply.High, "CWE-259", "A07:2021"),
		cloud:    rule("cloud-credential", "credential of a cloud account", "Whoever has it can use the account.", supply.Critical, "CWE-798", "A07:2021"),
		vendor:   rule("vendor-token", "token of a service", "Whoever has it can use the service as its owner.", supply.High, "CWE-798", "A07:2021"),
		health:   rule("health-record-credential", "credential of a health record system", "Whoever has it can read patients' records through the vendor's interface.", supply.Critical, "CWE-798", "A07:2021"),
	}
}

// all lists them.
func (o *own) all() []*supply.Rule {
	return []*supply.Rule{o.key, o.testKey, o.keystore, o.jwk, o.store, o.hash, o.password, o.assigned, o.url, o.login, o.cloud, o.vendor, o.health}
}

func rule(id, name, why string, severity supply.Severity, cwe, owasp string) *supply.Rule {
	return &supply.Rule{ID: prefix + id, Name: name, Help: why + " " + remedy, Severity: severity, CWE: []string{cwe}, OWASP: []string{owasp}}
}
