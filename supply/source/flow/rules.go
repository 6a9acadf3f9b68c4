package flow

import "github.com/tutela-health/tutela/supply"

// rule makes one. Categories are of the OWASP Top 10 of 2021, where its lists of mapped weaknesses have the weakness.
func rule(id, name string, severity supply.Severity, cwe, owasp, help string) supply.Rule {
	r := supply.Rule{ID: "code." + id, Name: name, Severity: severity, CWE: []string{cwe}, Help: help}
	if owasp != "" {
		r.OWASP = []string{owasp}
	}
	return r
}

func sqlInjection() supply.Rule {
	return rule("sql-injection", "SQL injection", supply.Critical, "CWE-89", "A03:2021", "Pass values as parameters of the statement, never within its text.")
}

func sqlComposed() supply.Rule {
	return rule("sql-composed", "SQL put together from variables", supply.Medium, "CWE-89", "A03:2021", "Whoever sets one of these variables writes the statement. Pass values as parameters.")
}

func commandInjection() supply.Rule {
	return rule("command-injection", "Command injection", supply.Critical, "CWE-78", "A03:2021", "Start the program directly with a list of arguments, without a shell.")
}

func commandComposed() supply.Rule {
	return rule("command-composed", "A shell's command put together from variables", supply.Medium, "CWE-78", "A03:2021", "Start the program directly with a list of arguments, without a shell.")
}

func codeInjection() supply.Rule {
	return rule("code-injection", "Code injection", supply.Critical, "CWE-94", "A03:2021", "Never run what somebody sends as code. Parse it as data.")
}

func dynamicCode() supply.Rule {
	return rule("dynamic-code", "Code made at run time", supply.Medium, "CWE-95", "A03:2021", "Code that is put together cannot be reviewed, and runs whatever reaches it. Use data and functions.")
}

func pathTraversal() supply.Rule {
	return rule("path-traversal", "Path traversal", supply.High, "CWE-22", "A01:2021", "Take the base name, or resolve the path and check that it is below the folder that is meant.")
}

func ssrf() supply.Rule {
	return rule("ssrf", "Request forged by the server", supply.High, "CWE-918", "A10:2021", "Choose the host from a list of known ones; what somebody sends may choose what is asked of it.")
}

func xss() supply.Rule {
	return rule("xss", "Cross-site scripting", supply.High, "CWE-79", "A03:2021", "Let the template escape it, or escape it for the place where it stands.")
}

func rawMarkup() supply.Rule {
	return rule("raw-markup", "Markup that is not escaped", supply.Medium, "CWE-79", "A03:2021", "What is not known to be harmless is sent as markup. Let the framework escape it, or clean it with a kept sanitizer.")
}

func openRedirect() supply.Rule {
	return rule("open-redirect", "Open redirect", supply.Medium, "CWE-601", "A01:2021", "Redirect to paths of your own, or to addresses from a list.")
}

func deserialization() supply.Rule {
	return rule("unsafe-deserialization", "Unsafe deserialisation", supply.Critical, "CWE-502", "A08:2021", "Use a format that holds data alone, such as JSON; for YAML the safe loader.")
}

func looseDeserialization() supply.Rule {
	return rule("loose-deserialization", "A reader that runs what it reads", supply.Medium, "CWE-502", "A08:2021", "Use a format that holds data alone, such as JSON; for YAML the safe loader.")
}

func prototypePollution() supply.Rule {
	return rule("prototype-pollution", "Prototype pollution", supply.High, "CWE-1321", "", "Take over known keys only, or use a Map, or an object without a prototype.")
}

func xxe() supply.Rule {
	return rule("xxe", "XML with external entities", supply.High, "CWE-611", "A05:2021", "Read XML without entities: noent off, resolve_entities=False, or defusedxml.")
}

func weakHash() supply.Rule {
	return rule("weak-hash", "Weak hash", supply.Medium, "CWE-328", "A02:2021", "Use SHA-256 or better; for passwords Argon2id, scrypt or PBKDF2. In Python say usedforsecurity=False where it only tells files apart.")
}

func weakCipher() supply.Rule {
	return rule("weak-cipher", "Weak cipher or mode", supply.High, "CWE-327", "A02:2021", "Use AES-256-GCM or ChaCha20-Poly1305.")
}

func staticIV() supply.Rule {
	return rule("static-iv", "A constant initialisation vector", supply.High, "CWE-329", "A02:2021", "Make a fresh random one for every message.")
}

func weakRandom() supply.Rule {
	return rule("weak-random", "Predictable randomness for a secret", supply.High, "CWE-338", "A02:2021", "Use crypto.randomBytes or crypto.randomUUID; in Python the secrets module.")
}

func tlsOff() supply.Rule {
	return rule("tls-unverified", "Certificates are not verified", supply.High, "CWE-295", "A07:2021", "Verify them; give your own authority's certificate where it is a private one.")
}

func jwtUnverified() supply.Rule {
	return rule("jwt-unverified", "A token whose signature is not checked", supply.High, "CWE-347", "A02:2021", "Verify with the key, and name the algorithms that you accept; none is not one.")
}

func hardCodedKey() supply.Rule {
	return rule("hard-coded-key", "A key in the source", supply.High, "CWE-798", "A07:2021", "Whoever reads the source can sign. Read it from a secret store or a file.")
}

func cookieSecure() supply.Rule {
	return rule("cookie-insecure", "A cookie that travels in the clear", supply.Medium, "CWE-614", "A05:2021", "Set secure, so that it is sent over TLS alone.")
}

func cookieReadable() supply.Rule {
	return rule("cookie-readable", "A cookie that scripts can read", supply.Medium, "CWE-1004", "A05:2021", "Set httpOnly, unless a script must read it.")
}

func cors() supply.Rule {
	return rule("cors", "Every origin may use it with cookies", supply.High, "CWE-942", "A05:2021", "Name the origins. An answer to whoever asks, with credentials, is open to every site that a user visits.")
}

func debugMode() supply.Rule {
	return rule("debug", "Debug mode", supply.High, "CWE-489", "", "The debugger runs code for whoever reaches it. Switch it on from the environment, in development alone.")
}

func missingAuthorization() supply.Rule {
	return rule("missing-authorization", "A route without the check that its neighbours have", supply.Medium, "CWE-862", "A01:2021", "Put the check on the router, so that no route is without it; name what is public.")
}

func nosqlInjection() supply.Rule {
	return rule("nosql-injection", "NoSQL injection", supply.High, "CWE-943", "", "Turn it into a text or number first: an object from outside is an operator, such as $ne.")
}

func regexInjection() supply.Rule {
	return rule("regex-injection", "A regular expression from outside", supply.Medium, "CWE-1333", "", "Escape it, or compare texts: an expression can be made to take for ever.")
}

func templateInjection() supply.Rule {
	return rule("template-injection", "Template injection", supply.Critical, "CWE-1336", "", "Give values to a template that stands in a file; never put them into its text.")
}

func logInjection() supply.Rule {
	return rule("log-injection", "Log injection", supply.Low, "CWE-117", "A09:2021", "Log it as a field of a structured log, or take line ends out.")
}
