package line

import (
	"net/netip"
	"regexp"
)

// told is one form in which programs tell of logins. The groups are named user and address.
type told struct {
	form   *regexp.Regexp
	failed bool
}

// logins are the forms of OpenSSH, PAM, PostgreSQL and Dovecot, and the common one of web applications.
var logins = []told{
	{regexp.MustCompile(`^Failed (?:password|publickey|keyboard-interactive/pam|none) for (?:invalid user )?(?P<user>\S{1,128}) from (?P<address>[0-9A-Fa-f.:]{2,45}) port \d+`), true},
	{regexp.MustCompile(`^Accepted (?:password|publickey|keyboard-interactive/pam|gssapi-with-mic) for (?P<user>\S{1,128}) from (?P<address>[0-9A-Fa-f.:]{2,45}) port \d+`), false},
	{regexp.MustCompile(`pam_\w+\([\w:.-]+\): authentication failure;.* rhost=(?P<address>[0-9A-Fa-f.:]{0,45})(?:\s+user=(?P<user>\S{1,128}))?`), true},
	{regexp.MustCompile(`password authentication failed for user "(?P<user>[^"]{1,128})"`), true},
	{regexp.MustCompile(`^(?:imap|pop3|submission)-login: (?:Disconnected|Aborted login).*auth failed.* user=<(?P<user>[^>]{1,128})>.* rip=(?P<address>[0-9A-Fa-f.:]{2,45})`), true},
	{regexp.MustCompile(`(?i)^(?:authentication|login|log-?in|sign-?in|logon) (?:failed|failure|denied|rejected) (?:for|of)(?: user| account)? ["']?(?P<user>[\w.@-]{1,128})["']?(?: from (?:ip )?(?P<address>[0-9A-Fa-f.:]{2,45}))?`), true},
	{regexp.MustCompile(`(?i)^(?:authentication|login|log-?in|sign-?in|logon) (?:succeeded|successful|success|ok|accepted) (?:for|of)(?: user| account)? ["']?(?P<user>[\w.@-]{1,128})["']?(?: from (?:ip )?(?P<address>[0-9A-Fa-f.:]{2,45}))?`), false},
}

// login puts into an event what a line tells of a login.
func login(text string, o object) {
	if len(text) > 4<<10 {
		return
	}
	for _, l := range logins {
		m := l.form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		o["class_uid"], o["activity_id"], o["status_id"] = 3002, 1, 1
		if l.failed {
			o["status_id"] = 2
		}
		if user := group(l.form, m, "user"); user != "" {
			o["user"] = object{"uid": user}
		}
		if at, err := netip.ParseAddr(group(l.form, m, "address")); err == nil {
			o["src_endpoint"] = object{"ip": at.Unmap().WithZone("").String()}
		}
		return
	}
}

func group(form *regexp.Regexp, m []string, name string) string {
	if i := form.SubexpIndex(name); i > 0 {
		return m[i]
	}
	return ""
}
