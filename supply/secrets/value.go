package secrets

import "strings"

// placeholder reports whether a value stands for one that somebody fills in, names where it is kept, or
// is an example. Published examples are placeholders too.
func placeholder(v string) bool {
	return gap(v) || example(strings.ToLower(v)) || published(v)
}

// gap reports whether a value is certainly none: it is to be filled in, or taken from somewhere else.
func gap(v string) bool {
	v = strings.TrimSpace(v)
	return len(v) == 0 || !strong(v) && (refers(v) || monotonous(v) || says(strings.ToLower(v)))
}

// refers reports whether a value is taken from somewhere else: a variable, a template, a vault, a file.
func refers(v string) bool {
	if strings.ContainsAny(v[:1], "$<&!@{[(*") && !mixed(strings.TrimLeft(v, "$<&!@{[(*")) {
		return true
	}
	for _, sign := range []string{"${", "$(", "{{", "}}", "#{", "<%", "%>", "%(", "{%", "$env:", "$$(", "%%", "${{"} {
		if strings.Contains(v, sign) && !mixedAround(v, sign) {
			return true
		}
	}
	low := strings.ToLower(v)
	for _, start := range []string{
		"enc[", "enc(", "{cipher}", "vault:", "ssm:", "arn:aws", "op://", "sops:", "ref+", "awssecretsmanager", "secretsmanager:", "keyvault", "kms:", "env:", "env.", "file:",
		"process.env", "os.environ", "os.getenv", "getenv(", "system.getenv", "secrets.", "vars.", "var.", "local.", "data.", "module.", "self.", "this.", "config.", "http://", "https://",
		"/run/secrets", "/etc/", "/var/", "/usr/", "/opt/", "/home/", "/mnt/", "/tmp/", "~/", "./", "../", "c:\\", "__", "projects/",
	} {
		if strings.HasPrefix(low, start) {
			return true
		}
	}
	return strings.HasPrefix(v, "%") && strings.HasSuffix(v, "%") || strings.HasPrefix(v, "[") && strings.Contains(v, "]::") // a call of PowerShell
}

// release reports whether a value is the number of a version: packages are called after passwords and tokens too.
func release(v string) bool {
	v = strings.TrimLeft(v, "^~>=v ")
	numbers, _, _ := strings.Cut(v, "-")
	return strings.Count(numbers, ".") >= 2 && strings.Trim(numbers, "0123456789.") == ""
}

// mixedAround says that what looks like a template stands in a value that is random anyway.
func mixedAround(v, sign string) bool {
	i := strings.Index(v, sign)
	return len(v) >= 20 && i > 0 && !strings.ContainsAny(v, "}") && mixed(v)
}

// monotonous reports whether a value is one or two characters again and again, or a row of them.
func monotonous(v string) bool {
	seen := map[rune]bool{}
	for _, c := range v {
		seen[c] = true
	}
	if len(seen) <= 2 && len(v) > 2 || len(v) >= 16 && len(seen) <= 4 {
		return true
	}
	rising := 0
	for i := 1; i < len(v); i++ {
		if v[i] == v[i-1]+1 || v[i] == '0' && v[i-1] == '9' || v[i] == v[i-1] {
			rising++
		}
	}
	return len(v) >= 6 && rising*4 >= (len(v)-1)*3
}

// says reports whether a value in lower case says in words that it is none.
func says(low string) bool {
	switch strings.Trim(low, "<>[](){}*_-. \"'`?|") {
	case "", "true", "false", "yes", "no", "on", "off", "none", "null", "nil", "undefined", "required", "optional", "disabled", "enabled", "prompt", "ask", "default",
		"string", "str", "text", "hidden", "empty", "unset", "unknown", "n/a", "na", "int", "integer", "boolean", "bool", "object", "array", "number", "bytes", "any", "foo", "bar", "baz", "foobar",
		"todo", "tbd", "omitted", "masked", "password here", "token here", "secretref", "plaintext", "basic", "bearer", "file", "env", "blank", "stdin":
		return true
	}
	for _, word := range []string{
		"changeme", "change_me", "change-me", "change me", "change_this", "changethis", "replaceme", "replace_me", "replace-me", "replace_with", "replace-with", "replace this",
		"your_", "your-", "your ", "yourpass", "yoursecret", "yourtoken", "yourkey", "placeholder", "redacted", "removed", "xxxx", "****", "....", "____", "insert_", "insert-", "<your", "_here", "-here",
		"put_", "enter_", "enter-", "notasecret", "not_a_secret", "not-a-secret",
	} {
		if strings.Contains(low, word) {
			return true
		}
	}
	return false
}

// example reports whether a value in lower case is made up for people to read, or for tests.
func example(low string) bool {
	for _, word := range []string{
		"your.", "my_secret", "my-secret", "mysecret", "my_password", "my-password", "mypassword", "my_token", "my-token", "my_api", "my-api", "example", "sample", "dummy", "fixme", "not-real", "notreal",
		"fake", "lorem", "deadbeef", "123456789", "abcdefgh", "qwertyui", "secret_name", "secretname", "test_secret", "test-secret", "testsecret", "supersecret", "super_secret", "super-secret", "topsecret",
		"top-secret", "test-token", "test_token", "testtoken", "some-", "some_", "foobar", "foo-bar", "foo_bar", "testpass", "test-pass", "test_pass", "not-so-secret", "s3cr3t", "sekret", "blahblah", "insecure",
	} {
		if strings.Contains(low, word) {
			return true
		}
	}
	return false
}

// trivial reports whether a value is a word that every list of passwords begins with: it counts where
// a file exists to hold credentials, and nowhere else.
func trivial(v string) bool {
	switch strings.ToLower(v) {
	case "password", "passwd", "pass", "pwd", "passw0rd", "secret", "secrets", "token", "key", "apikey", "api_key", "test", "testing", "tests", "admin", "root", "user", "username", "guest", "login",
		"postgres", "mysql", "mongo", "redis", "rabbitmq", "docker", "dev", "development", "local", "localhost", "demo", "private", "public", "credentials", "credential", "pw", "letmein", "hello", "world",
		"abc", "123", "1234", "12345", "123456", "value", "name", "x", "a", "b", "p", "s", "data", "json", "header", "cookie", "session", "auth", "oauth", "oauth2", "access", "id", "client":
		return true
	}
	return false
}

// strong reports whether a value is so long and so disordered that no words or signs in it mean anything.
func strong(v string) bool {
	if len(v) < 40 || entropy(v) < 4.6 || strings.HasPrefix(v, "ENC[") || strings.Contains(v, "://") {
		return false
	}
	changes := 0
	for i := 1; i < len(v); i++ {
		if kindOf(v[i]) != kindOf(v[i-1]) {
			changes++
		}
	}
	return changes*2 > len(v)
}

// kindOf sorts characters: capitals, small letters, digits, others.
func kindOf(c byte) int {
	switch {
	case isUpper(c):
		return 1
	case isLower(c):
		return 2
	case isDigit(c):
		return 3
	}
	return 4
}

// mixed reports whether a value has letters and digits that do not read like words: both, and neither
// only at the end of the other.
func mixed(v string) bool {
	changes, digits, letters := 0, 0, 0
	last := 0
	for _, c := range v {
		kind := 0
		switch {
		case '0' <= c && c <= '9':
			kind, digits = 1, digits+1
		case 'a' <= c && c <= 'z':
			kind, letters = 2, letters+1
		case 'A' <= c && c <= 'Z':
			kind, letters = 3, letters+1
		}
		if kind != 0 && last != 0 && kind != last {
			changes++
		}
		last = kind
	}
	return digits > 0 && letters > 0 && changes >= 3
}

// random reports whether a value looks like one that a machine drew.
func random(v string) bool {
	switch {
	case len(v) < 16 || strings.ContainsAny(v, " \t") && (len(v) < 40 || entropy(v) < 4.8):
		return false
	case isHex(v):
		return entropy(v) > 3 && mixed(v)
	case isUUID(v):
		return entropy(v) > 3
	}
	return mixed(v) && entropy(v) > 3.5 && !wordy(v)
}

func isHex(v string) bool {
	return strings.Trim(v, "0123456789abcdef") == "" || strings.Trim(v, "0123456789ABCDEF") == ""
}

func isUUID(v string) bool {
	if len(v) != 36 {
		return false
	}
	for i := range len(v) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (v[i] == '-') || !dash && !isHex(strings.ToLower(v[i:i+1])) {
			return false
		}
	}
	return true
}

// wordy reports whether most of a value is words of letters, as in names and paths.
func wordy(v string) bool {
	words := 0
	for _, w := range split(v) {
		if letters := strings.Trim(w, "0123456789"); len(letters) >= 4 && len(letters) <= 20 && strings.ContainsAny(letters, "aeiouy") && strings.Trim(letters, "abcdefghijklmnopqrstuvwxyz") == "" {
			words += len(w)
		}
	}
	return words*2 >= len(v)
}

// literal reports whether a value of code is a password that somebody typed in, and no name of one.
func literal(v string) bool {
	if len(v) < 6 || len(v) > 128 || strings.ContainsAny(v, " \t\n%{}<>()\\,") {
		return false
	}
	letters := strings.ContainsFunc(v, func(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' })
	others := strings.ContainsAny(v, "0123456789!@#^*+?~")
	return letters && others && !strings.Contains(v, "://") && !strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "#") && !strings.HasPrefix(v, ".")
}

// phrase reports whether a value is words for people to read.
func phrase(v string) bool {
	words := strings.Fields(v)
	if len(words) < 2 {
		return len(words) == 1 && titled(words[0])
	}
	plain := 0
	for _, w := range words {
		if strings.Trim(strings.ToLower(w), "abcdefghijklmnopqrstuvwxyz.,:;!?'’()-") == "" {
			plain++
		}
	}
	return plain*3 >= len(words)*2
}

// titled reports whether a word is a label: a capital and small letters.
func titled(w string) bool {
	w = strings.TrimRight(w, ":*.!?…")
	return len(w) > 1 && 'A' <= w[0] && w[0] <= 'Z' && strings.Trim(w[1:], "abcdefghijklmnopqrstuvwxyz") == ""
}

// hashForms say how stored passwords look: crypt(5)'s forms, and those of common frameworks.
const hashForms = `\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}` + // bcrypt
	`|\$(?:1|apr1)\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}` + // md5crypt
	`|\$5\$(?:rounds=[0-9]+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}` + // sha256crypt
	`|\$6\$(?:rounds=[0-9]+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{80,86}` + // sha512crypt
	`|\$(?:y|gy|7)\$[./A-Za-z0-9]{1,20}\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}` + // yescrypt
	`|\$argon2(?:id|i|d)\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{16,88}` +
	`|\$[PH]\$[./A-Za-z0-9]{31}` + // phpass
	`|\$S\$[./A-Za-z0-9]{52}` + // Drupal
	`|pbkdf2_sha(?:1|256|512)\$[0-9]+\$[A-Za-z0-9+/]{6,64}\$[A-Za-z0-9+/=]{27,88}` + // Django
	`|(?:pbkdf2:sha(?:1|256|512):[0-9]+|scrypt:[0-9]+:[0-9]+:[0-9]+)\$[A-Za-z0-9]{6,32}\$[0-9a-f]{40,128}` + // Werkzeug
	`|\{S?SHA(?:256|512)?\}[A-Za-z0-9+/=]{28,128}` + // LDAP
	`|SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]{16,44}\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}` // PostgreSQL
