package secrets

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// isStore reports whether programs keep logins in files of this name.
func isStore(base string, folders []string) bool {
	switch base {
	case ".netrc", "_netrc", ".authinfo", ".pgpass", "pgpass.conf", ".my.cnf", ".mylogin.cnf", ".git-credentials", ".htpasswd", ".npmrc", ".pypirc", ".dockercfg", ".esmtprc", ".msmtprc", ".fetchmailrc", ".muttrc",
		"filezilla.xml", "recentservers.xml", "sitemanager.xml", "winscp.ini", "sftp-config.json", "sftp.json", ".sftp-config.json", ".ftpconfig", ".remote-sync.json", "remote-sync.json", "deployment-config.json",
		"ftp-sync.json", ".ftppass", "ftpsync.settings", "ws_ftp.ini", "dbeaver-data-sources.xml", "data-sources.json", "credentials-config.json", "datasources.local.xml", "robomongo.json", "robo3t.json", "mongoid.yml",
		"database.yml", "secrets.yml", "webservers.xml", "webservers.local.xml", ".s3cfg", ".boto", ".tugboat", "heroku.json", "hub", "hosts.yml", "logins.json", "wp-config.php", "ventrilo_srv.ini", "tomcat-users.xml",
		"credentials.xml", "jenkins.plugins.publish_over_ssh.bapsshpublisherplugin.xml", "keyring.cfg", ".credentials", "credentials", ".smbcredentials", ".cifs", "sentinel.conf", "rsyncd.secrets",
		"confcons.xml", ".vnc", "ultravnc.ini", "shadow", "shadow-", "gshadow", "master.passwd", ".authentication", "credentials.json", ".envrc", "standalone-users.properties", "mgmt-users.properties":
		return base != "hosts.yml" || slices.Contains(folders, "gh")
	}
	return strings.HasSuffix(base, ".rdg") || strings.HasSuffix(base, ".htpasswd")
}

// stores reads files whose form is their own.
type stores struct {
	own     *own
	auth    *regexp.Regexp
	npm     *regexp.Regexp
	login   *regexp.Regexp
	hash    *regexp.Regexp
	datum   *regexp.Regexp
	jenkins *regexp.Regexp
	entry   *regexp.Regexp
	forms   map[string]*regexp.Regexp // by what forms says
}

// forms names the form of files whose lines have an order of their own; empty for none.
func forms(d *document) string {
	switch {
	case strings.HasSuffix(d.base, "-secrets") && (strings.HasPrefix(d.base, "chap") || strings.HasPrefix(d.base, "pap") || strings.HasPrefix(d.base, "ppp")):
		return "ppp"
	case strings.HasPrefix(d.base, "sasl_passwd") && d.ext != ".db":
		return "postfix"
	case d.base == "fetchmailrc" || d.base == ".fetchmailrc":
		return "fetchmail"
	case d.base == ".lftprc" || d.base == "lftp.conf":
		return "lftp"
	case strings.HasPrefix(d.base, "wpa_supplicant") && d.ext == ".conf":
		return "wireless"
	case d.base == "odbc.ini" || d.base == ".odbc.ini" || d.ext == ".dsn":
		return "odbc"
	}
	return ""
}

// ownForms are what secrets stand in, in files that forms names.
func ownForms() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"ppp":       regexp.MustCompile(`(?m)^[ \t]{0,8}(?:"[^"\n]{1,80}"|[^\s"#]{1,80})[ \t]{1,40}(?:"[^"\n]{1,80}"|[^\s"#]{1,80})[ \t]{1,40}"?([^\s"@][^\s"]{1,200})`),
		"postfix":   regexp.MustCompile(`(?m)^[^\s#]{1,200}[ \t]{1,40}[^\s:]{1,100}:(\S{2,200})`),
		"fetchmail": regexp.MustCompile(`(?m)\bpass(?:word)?[ \t]{1,8}"?([^\s"]{2,200})`),
		"lftp":      regexp.MustCompile(`(?m)^[^\n#]{0,80}\bopen[ \t][^\n]{0,80}-u[ \t]{0,4}["']?[^\s,"']{1,80},([^\s"']{2,200})`),
		"wireless":  regexp.MustCompile(`(?m)^[ \t]{0,16}(?:psk|password|private_key_passwd)="?([^"\n:]{4}[^"\n]{0,200}?)"?[ \t\r]{0,8}$`),
		"odbc":      regexp.MustCompile(`(?mi)^[ \t]{0,8}(?:pwd|password)[ \t]{0,8}=[ \t]{0,8}([^\s;]{2,200})`),
	}
}

func newStores(o *own) *stores {
	return &stores{
		own:     o,
		forms:   ownForms(),
		auth:    regexp.MustCompile(`"(?:auth|identitytoken|registrytoken)"\s{0,8}:\s{0,8}"([A-Za-z0-9+/_.=-]{8,})"`),
		npm:     regexp.MustCompile(`(?m)(?:^|:)_(?:auth|authToken|password)\s{0,8}=\s{0,8}["']?([^\s"']{4,1000})`),
		login:   regexp.MustCompile(`(?i)\.(?:login|log_in|signin|sign_in|authenticate|basicauth|basic_auth|setbasicauth|plainauth|auth)\(\s{0,40}(?:["'](?:[^"'\n]{0,40})["']\s{0,8},\s{0,40}){0,1}["']([^"'\s\n]{2,80})["']\s{0,8},\s{0,40}["']([^"'\n]{4,80})["']`),
		hash:    regexp.MustCompile(`^(?:` + hashForms + `|[./A-Za-z0-9]{13})$`),
		datum:   regexp.MustCompile(`(?m)^\s{1,16}["']?([A-Za-z0-9_.-]{1,80})["']?:\s{1,8}["']?([A-Za-z0-9+/]{4,}={0,2})["']?\s*$`),
		jenkins: regexp.MustCompile(`\{(AQAAAB[A-Za-z0-9+/]{20,}={0,2})\}`),
		entry:   regexp.MustCompile(`(?m)["']?name["']?:\s{0,4}["']?([A-Za-z0-9_.-]{2,80})["']?,?\s{1,40}["']?value["']?:\s{0,4}["']?([^\s"'#{},]{4,400})`),
	}
}

func (s *stores) find(d *document) []hit {
	if d.sort == binary {
		return nil
	}
	var hits []hit
	switch {
	case d.base == ".netrc" || d.base == "_netrc" || d.base == ".authinfo" || d.ext == ".netrc":
		hits = s.netrc(d)
	case d.base == ".pgpass" || d.base == "pgpass.conf":
		hits = s.fields(d, 4, 5)
	case d.base == ".git-credentials":
		hits = s.addresses(d)
	case d.base == ".npmrc":
		hits = s.matches(d, s.npm)
	case forms(d) != "":
		hits = s.matches(d, s.forms[forms(d)])
	case accounts(d.base):
		hits = s.fields(d, 1, 0)
	case d.ext == ".key" || d.base == "hudson.util.secret":
		hits = s.whole(d)
	}
	return slices.Concat(hits, s.docker(d), s.kubernetes(d), s.matches(d, s.jenkins), s.logins(d), s.environment(d))
}

// accounts reports whether a file has a line for each account with what its password is stored as.
func accounts(base string) bool {
	return strings.Contains(base, "passwd") || strings.Contains(base, "shadow") || base == "dovecot.users" || base == "htdigest" || base == ".htdigest"
}

func (s *stores) hit(start, end, mark int) hit {
	return hit{rule: s.own.store, start: start, end: end, mark: mark, severity: s.own.store.Severity, rank: byFormat}
}

// netrc reads what stands after the word password.
func (s *stores) netrc(d *document) []hit {
	var hits []hit
	words := bytes.Fields(d.text[:min(len(d.text), 1<<18)]) // far more than a person's logins
	at := 0
	for i, w := range words {
		start := at + bytes.Index(d.text[at:], w)
		at = start + len(w)
		if i > 0 && string(words[i-1]) == "password" && !gap(string(w)) {
			from, _ := d.line(start)
			hits = append(hits, s.hit(start, at, from))
		}
	}
	return hits
}

// fields reads lines of fields between colons, of which one is secret; of is how many there are, 0 where
// it is what a password is stored as.
func (s *stores) fields(d *document, field, of int) []hit {
	var hits []hit
	at := 0
	for line := range bytes.Lines(d.text) {
		start := at
		at += len(line)
		if len(line) > longestLine || bytes.HasPrefix(line, []byte("#")) {
			continue
		}
		parts := bytes.Split(bytes.TrimRight(line, "\r\n"), []byte(":"))
		if len(parts) <= max(field, of-1) {
			continue
		}
		value := parts[field]
		if of > 0 { // the password is the last field and may have colons
			value = bytes.Join(parts[field:], []byte(":"))
		}
		from := start + len(bytes.Join(parts[:field], []byte(":"))) + 1
		h := s.hit(from, from+len(value), start)
		if of == 0 {
			h.rule = s.own.hash
		}
		if of > 0 && !gap(string(value)) || of == 0 && s.hash.Match(value) && !monotonous(string(value)) {
			hits = append(hits, h)
		}
	}
	return hits
}

// addresses reads a file of addresses with passwords, each of which opens its host.
func (s *stores) addresses(d *document) []hit {
	var hits []hit
	at := 0
	for line := range bytes.Lines(d.text) {
		start := at
		at += len(line)
		line = bytes.TrimSpace(line)
		i, sign := bytes.Index(line, []byte("://")), bytes.LastIndexByte(line, '@')
		if i < 0 || sign < i {
			continue
		}
		colon := bytes.IndexByte(line[i+3:sign], ':')
		if value := line[i+3+max(colon+1, 0) : sign]; !gap(string(value)) {
			lead := bytes.Index(d.text[start:at], line)
			hits = append(hits, s.hit(start+lead+i+3+max(colon+1, 0), start+lead+sign, start))
		}
	}
	return hits
}

// matches gives what a form of a store has in its group.
func (s *stores) matches(d *document, form *regexp.Regexp) []hit {
	var hits []hit
	for _, m := range form.FindAllSubmatchIndex(d.text, -1) {
		if value := string(d.text[m[2]:m[3]]); !gap(value) {
			hits = append(hits, s.hit(m[2], m[3], m[0]))
		}
	}
	return hits
}

// docker reads logins of image registries, wherever they stand: base64 of user:password.
func (s *stores) docker(d *document) []hit {
	if !d.has(`"auth"`) && !d.has(`"identitytoken"`) {
		return nil
	}
	var hits []hit
	for _, h := range s.matches(d, s.auth) {
		value := string(d.text[h.start:h.end])
		plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
		user, pass, found := strings.Cut(string(plain), ":")
		if err == nil && found && printable(plain) && !gap(pass) && !strings.EqualFold(user, "user") || random(value) && d.has("auths") {
			hits = append(hits, h)
		}
	}
	return hits
}

// kubernetes reads what a Secret holds in base64.
func (s *stores) kubernetes(d *document) []hit {
	if d.sort != config || !d.has("kind: secret") && !d.has(`"kind": "secret"`) {
		return nil
	}
	var hits []hit
	for _, m := range s.datum.FindAllSubmatchIndex(d.text, -1) {
		plain, err := base64.StdEncoding.DecodeString(string(d.text[m[4]:m[5]]))
		if err != nil || !printable(bytes.TrimSpace(plain)) && !bytes.Contains(plain, []byte("PRIVATE KEY")) || placeholder(string(plain)) {
			continue
		}
		if meaningOf(string(d.text[m[2]:m[3]])) != nothing || random(string(plain)) || bytes.Contains(plain, []byte("PRIVATE KEY")) {
			hits = append(hits, s.hit(m[4], m[5], m[2]))
		}
	}
	return hits
}

// environment reads lists of variables as Kubernetes and others write them: a name, and below it a value.
func (s *stores) environment(d *document) []hit {
	if d.sort != config || d.test || d.sample || !d.has("value") {
		return nil
	}
	var hits []hit
	for _, m := range s.entry.FindAllSubmatchIndex(d.text, -1) {
		means, value := meaningOf(string(d.text[m[2]:m[3]])), string(d.text[m[4]:m[5]])
		if placeholder(value) || trivial(value) || means == nothing || means == secret && !long(value) || titled(value) {
			continue
		}
		hits = append(hits, hit{rule: s.own.password, start: m[4], end: m[5], mark: m[0], severity: s.own.password.Severity, rank: byName})
	}
	return hits
}

// whole reads a file that is nothing but a key in hexadecimal or base64: Rails' master.key, Jenkins'
// secrets/master.key.
func (s *stores) whole(d *document) []hit {
	value := bytes.TrimSpace(d.text)
	if len(value) < 32 || len(value) > 1024 || bytes.ContainsAny(value, " \t\n") || !random(string(value)) {
		return nil
	}
	start := bytes.Index(d.text, value)
	return []hit{s.hit(start, start+len(value), start)}
}

// logins finds calls that log in with words that stand in the source.
func (s *stores) logins(d *document) []hit {
	if d.sort != code || d.test || !d.has("login(") && !d.has("auth(") && !d.has("authenticate(") && !d.has("signin(") && !d.has("log_in(") && !d.has("basic_auth(") {
		return nil
	}
	var hits []hit
	for _, m := range s.login.FindAllSubmatchIndex(d.text, -1) {
		value := string(d.text[m[4]:m[5]])
		if placeholder(value) || trivial(value) || strings.ContainsAny(value, " ${}") || d.sortAt(m[0]) == prose {
			continue
		}
		hits = append(hits, hit{rule: s.own.login, start: m[4], end: m[5], mark: m[0], severity: s.own.login.Severity, rank: byName})
	}
	return hits
}
