package secrets

import (
	"slices"
	"strings"
)

// meaning is what a name says that its value is.
type meaning int

// The meanings.
const (
	nothing  meaning = iota
	password         // chosen by a person: any value can be one
	secret           // drawn by a machine: it looks random
)

// nameWords are what a name with a meaning has in it, in lower case; each is tried against the words
// of the name afterwards.
func nameWords() []string {
	return []string{"pass", "pwd", "secret", "token", "key", "credential", "creds", "salt", "auth", "connection"}
}

// meaningOf reads a name: snake_case, kebab-case, camelCase, dotted. The last words decide, so that
// password_policy, tokenURL and keyId are none.
func meaningOf(name string) meaning {
	words := split(name)
	if name == "PWD" || name == "OLDPWD" { // the folder that a shell is in
		return nothing
	}
	if len(words) == 0 || slices.ContainsFunc(words, public) {
		return nothing
	}
	last, pair := ends(words)
	switch {
	case isPassword(last) || pair == "passphrase" || pair == "passwd" || pair == "password":
		return password
	case isSecret(last) || pair != "" && isSecretPair(pair):
		return secret
	}
	return nothing
}

// ends gives the last word that says something, and the last two as one.
func ends(words []string) (last, pair string) {
	for len(words) > 1 && filler(words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return "", ""
	}
	last = words[len(words)-1]
	if len(words) > 1 {
		pair = words[len(words)-2] + last
	}
	return last, pair
}

// sounds reports whether a name is one beside which a random value may be secret, whatever it means otherwise:
// one of its last two words is of those that gitleaks' rule looks for, and none says that everybody may know it.
func sounds(name string) bool {
	words := split(name)
	last, pair := ends(words)
	return !slices.ContainsFunc(words, public) && slices.ContainsFunc([]string{last, pair}, func(w string) bool {
		return slices.ContainsFunc([]string{"access", "auth", "api", "cred", "key", "pass", "secret", "token"}, func(part string) bool { return strings.Contains(w, part) })
	})
}

func isPassword(w string) bool {
	switch w {
	case "pass", "pwd", "pw", "passphrase", "passcode", "requirepass", "masterauth", "passwort", "contrasena", "senha", "motdepasse":
		return true
	case "compass", "bypass", "trespass", "surpass", "encompass", "overpass", "underpass", "multipass", "onepass", "lastpass", "keepass", "singlepass", "twopass":
		return false
	}
	return strings.HasSuffix(w, "passwd") || strings.HasSuffix(w, "password") || strings.HasSuffix(w, "passphrase") || strings.HasSuffix(w, "pwd") ||
		strings.HasSuffix(w, "pass") && len(w) <= 12
}

func isSecret(w string) bool {
	switch w {
	case "secret", "token", "credential", "credentials", "creds", "apikey", "authkey", "accesskey", "secretkey", "privatekey", "masterkey", "apisecret", "clientsecret", "appsecret",
		"authtoken", "accesstoken", "refreshtoken", "apitoken", "salt", "connectionstring", "accountkey", "signingkey", "encryptionkey", "consumersecret", "secretaccesskey", "sharedsecret":
		return true
	}
	return strings.HasSuffix(w, "apikey") || strings.HasSuffix(w, "secret") && len(w) <= 20
}

func isSecretPair(pair string) bool {
	switch pair {
	case "apikey", "accesskey", "secretkey", "privatekey", "authkey", "authenticationkey", "masterkey", "signingkey", "signkey", "encryptionkey", "cryptkey", "cipherkey", "hmackey",
		"accountkey", "storagekey", "clientkey", "appkey", "applicationkey", "servicekey", "licensekey", "sharedkey", "subscriptionkey", "sessionkey", "cookiekey", "jwtkey", "connectionstring",
		"adminkey", "deploykey", "serverkey", "aeskey", "keybase", "noncekey", "nonce salt", "authsalt", "appauth":
		return true
	}
	return false
}

// public reports whether a word makes a name one of what everybody may know.
func public(w string) bool {
	switch w {
	case "public", "pub", "csrf", "xsrf", "min", "max", "num", "count", "length", "len", "size", "expires", "expiry", "ttl", "timeout", "regex", "pattern", "placeholder", "label", "hint", "prompt",
		"idempotency", "cache", "partition", "primary", "foreign", "sort", "hash", "lookup", "i18n", "translation", "recaptcha", "publishable", "site", "error", "err", "msg", "message", "title",
		"invalid", "missing", "forgot", "reset", "confirm", "show", "toggle", "enable", "allow", "require", "use", "is", "has", "no", "non", "without", "next", "page", "continuation", "sync", "eof",
		"version", "change", "cursor", "starting", "digest", "checksum", "crc32c", "fingerprint":
		return true
	}
	return false
}

// filler reports whether a word at the end of a name says nothing of what the name means.
func filler(w string) bool {
	switch w {
	case "base", "default", "prod", "production", "staging", "dev", "development", "test", "value", "val", "plain", "text", "plaintext", "string", "str", "b64", "base64", "encoded", "raw", "live", "old", "new", "current", "env":
		return true
	}
	return strings.Trim(w, "0123456789") == ""
}

// split gives the words of a name in lower case.
func split(name string) []string {
	var words []string
	start := -1
	flush := func(end int) {
		if start >= 0 {
			words = append(words, strings.ToLower(name[start:end]))
		}
		start = -1
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case !isAlnum(c):
			flush(i)
			continue
		case start >= 0 && isUpper(c) && (!isUpper(name[i-1]) || i+1 < len(name) && isLower(name[i+1])):
			flush(i)
		}
		if start < 0 {
			start = i
		}
	}
	flush(len(name))
	return words
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlnum(c byte) bool { return isUpper(c) || isLower(c) || isDigit(c) }

// isHealth reports whether a name speaks of a vendor of health record systems or of a network of them.
func isHealth(name string) bool {
	for _, w := range split(name) {
		switch w {
		case "epic", "mychart", "cerner", "oraclehealth", "millennium", "athena", "athenahealth", "athenanet", "allscripts", "veradigm", "eclinicalworks", "ecw", "nextgen", "meditech",
			"drchrono", "elation", "canvasmedical", "redox", "healthgorilla", "particlehealth", "1uphealth", "1up", "practicefusion", "greenway", "modmed", "advancedmd", "kareo", "tebra",
			"ehr", "emr", "fhir", "smart", "commonwell", "carequality", "surescripts", "bluebutton", "medplum", "openemr", "openmrs":
			return true
		}
	}
	return false
}
