package secrets

import (
	"encoding/base64"
	"regexp"
	"strings"
)

// patterns are forms that gitleaks' rules miss.
func (o *own) patterns() []pattern {
	list := []pattern{
		{rule: o.cloud, keywords: []string{"secret_access_key", "secretaccesskey", "secret_key", "aws_secret"},
			regex: regexp.MustCompile(`(?i)(?:aws|s3)?_?secret_?(?:access_?)?key["']?\s{0,4}(?:=|:|=>)\s{0,4}["']?([A-Za-z0-9+/]{26,44})(?:["'\s,;#]|$)`), guard: random},
		{rule: o.cloud, keywords: []string{"accountkey="}, regex: regexp.MustCompile(`(?i)AccountKey=([A-Za-z0-9+/]{86}==)`)},
		{rule: o.cloud, keywords: []string{"sharedaccesskey="}, regex: regexp.MustCompile(`(?i)SharedAccessKey=([A-Za-z0-9+/]{43}=)`)},
		{rule: o.cloud, keywords: []string{"sig="}, regex: regexp.MustCompile(`[?&]s[vp]=[^\s"']{1,200}&sig=([A-Za-z0-9%+/]{43,66}(?:%3D|=))`)},
		{rule: o.cloud, keywords: []string{"gocspx-"}, regex: regexp.MustCompile(`\b(GOCSPX-[A-Za-z0-9_-]{28})\b`)},
		{rule: o.cloud, keywords: []string{"ya29."}, regex: regexp.MustCompile(`\b(ya29\.[A-Za-z0-9_-]{40,512})`)},
		{rule: o.cloud, keywords: []string{"private_key_data", "client-key-data"}, regex: regexp.MustCompile(`(?:client-key-data|private_key_data)["']?:\s{0,4}["']?([A-Za-z0-9+/]{64,}={0,2})`)},
		{rule: o.vendor, keywords: []string{"dckr_pat_"}, regex: regexp.MustCompile(`\b(dckr_[po]at_[A-Za-z0-9_-]{27,36})`)},
		{rule: o.vendor, keywords: []string{"ntn_"}, regex: regexp.MustCompile(`\b(ntn_[A-Za-z0-9]{40,50})\b`)},
		{rule: o.vendor, keywords: []string{"tskey-"}, regex: regexp.MustCompile(`\b(tskey-[a-z]{3,12}-[A-Za-z0-9]{8,24}-[A-Za-z0-9]{16,40})\b`)},
		{rule: o.vendor, keywords: []string{"gsk_"}, regex: regexp.MustCompile(`\b(gsk_[A-Za-z0-9]{48,56})\b`), guard: random},
		{rule: o.vendor, keywords: []string{"xai-"}, regex: regexp.MustCompile(`\b(xai-[A-Za-z0-9]{70,90})\b`)},
		{rule: o.vendor, keywords: []string{"sbp_"}, regex: regexp.MustCompile(`\b(sbp_[0-9a-f]{40})\b`)},
		{rule: o.vendor, keywords: []string{"discord"}, regex: regexp.MustCompile(`discord(?:app)?\.com/api/webhooks/[0-9]{16,20}/([A-Za-z0-9_-]{60,72})`)},
		{rule: o.vendor, keywords: []string{"oy2"}, regex: regexp.MustCompile(`\b(oy2[a-z0-9]{43})\b`), guard: random},
		{rule: o.password, keywords: []string{"convertto-securestring"}, regex: regexp.MustCompile(`(?i)ConvertTo-SecureString\s{1,4}(?:-String\s{1,4})?["']([^"'$\s]{4,80})["'][^\n]{0,80}-AsPlainText`)},
		{rule: o.vendor, keywords: []string{"sshpass"}, regex: regexp.MustCompile(`\bsshpass\s{1,4}-p\s{0,4}["']?([^\s"'$-][^\s"']{3,80})`)},
		{rule: o.vendor, keywords: []string{"mysql", "mariadb"}, regex: regexp.MustCompile(`\b(?:mysql|mysqldump|mysqladmin|mariadb)\s[^\n|;]{0,200}?\s-p([^\s"'$<{-][^\s"']{3,80})`), guard: literal},
		{rule: o.vendor, keywords: []string{"sqlplus", "expdp", "impdp", "sqlldr"}, regex: regexp.MustCompile(`\b(?:sqlplus|expdp|impdp|sqlldr)\s{1,4}(?:-\S{1,20}\s{1,4}){0,4}["']?\w{1,60}/([^\s@"'$/<{]{4,80})@`), guard: literal},
		{rule: o.vendor, keywords: []string{"lftp"}, regex: regexp.MustCompile(`\blftp\s[^\n|;]{0,100}?-u\s{0,4}["']?[^\s,"'$]{1,80},([^\s"'$<{]{4,80})`), guard: literal},
	}
	for i := range list {
		list[i].rank = byToken
	}
	list = append(list, pattern{rule: o.password, keywords: []string{"password", "identified"}, rank: byGuess, guard: literal,
		regex: regexp.MustCompile(`(?i)\b(?:CREATE|ALTER)\s{1,4}(?:USER|ROLE|LOGIN)\s[^;\n]{0,200}?\b(?:PASSWORD|IDENTIFIED\s{1,4}(?:WITH\s{1,4}\S{1,60}\s{1,4})?BY)\s{0,4}=?\s{0,4}N?'([^'\s]{4,200})'`)},
		pattern{rule: o.password, keywords: []string{`"value"`}, rank: byGuess, path: regexp.MustCompile(`\.postman_(?:environment|globals|collection)\.json$`), guard: literal,
			regex: regexp.MustCompile(`(?i)"key"\s{0,8}:\s{0,8}"[^"]{0,40}(?:password|passwd|secret|token|api_?key)"\s{0,8},\s{0,40}"value"\s{0,8}:\s{0,8}"([^"{}\s]{6,400})"`)})
	return append(list, o.basic(), pattern{rule: o.hash, keywords: []string{"$2", "$5$", "$6$", "$1$", "$apr1$", "$y$", "$7$", "$argon2", "$p$", "$h$", "$s$", "pbkdf2", "scrypt:", "sha}", "sha256}", "sha512}", "scram-sha-256$"},
		regex: regexp.MustCompile(`(?:` + hashForms + `)`), rank: byName})
}

// basic finds logins in headers of HTTP. Tests and manuals are full of made-up ones.
func (o *own) basic() pattern {
	return pattern{rule: o.vendor, keywords: []string{"authorization"}, rank: byGuess, guard: basic,
		regex: regexp.MustCompile(`(?i)\bAuthorization["']?\s{0,4}[:,=]\s{0,4}["']?Basic\s{1,4}([A-Za-z0-9+/]{8,200}={0,2})`)}
}

// basic reports whether a value is user and password as HTTP sends them (RFC 7617), and no example.
func basic(v string) bool {
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(v, "="))
	if err != nil {
		return false
	}
	user, pass, found := strings.Cut(string(plain), ":")
	return found && printable(plain) && !placeholder(pass) && !trivial(pass) && !strings.EqualFold(user, pass) && len(pass) > 3
}

// printable reports whether bytes are a line of ASCII.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}
