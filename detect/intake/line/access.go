package line

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// access is a line of a web server's log.
type access struct {
	address, user, method, target, protocol string
	status, bytes, referrer, agent          string
	at                                      time.Time
}

// combined is the common and the combined log format, as Apache httpd and nginx write them; a virtual host may stand in
// front. Quotes within a part are escaped by both.
var combined = regexp.MustCompile(`^(?:[A-Za-z0-9.-]+:\d{1,5} )?([0-9A-Fa-f.:]{2,45}) \S{1,256} (\S{1,256}) \[([^\]]{10,40})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?`)

// access reads a line of a web server's log: combined, or W3C behind its header.
func (r *Reader) access(text string) (access, bool) {
	if m := combined.FindStringSubmatch(text); m != nil {
		at, err := time.Parse("02/Jan/2006:15:04:05 -0700", m[3])
		if err != nil {
			return access{}, false
		}
		a := access{address: m[1], user: m[2], at: at, status: m[5], bytes: m[6], referrer: m[7], agent: m[8]}
		a.request(m[4])
		return a, true
	}
	if len(r.fields) > 0 {
		return r.w3c(text)
	}
	return access{}, false
}

// request takes a request line apart. One that is none stays whole.
func (a *access) request(line string) {
	method, rest, ok := strings.Cut(line, " ")
	if !ok {
		a.target = line
		return
	}
	a.method, a.target = method, rest
	if at := strings.LastIndex(rest, " HTTP/"); at >= 0 {
		a.target, a.protocol = rest[:at], rest[at+1:]
	}
}

// maxFields bounds a W3C log's fields.
const maxFields = 64

// header reads the head of a W3C extended log (Working Draft WD-logfile-960323), as IIS writes it.
func (r *Reader) header(text string) bool {
	if names, ok := strings.CutPrefix(text, "#Fields:"); ok {
		if r.fields = strings.Fields(names); len(r.fields) > maxFields {
			r.fields = nil
		}
		return true
	}
	for _, head := range []string{"#Software:", "#Version:", "#Date:", "#Start-Date:", "#End-Date:", "#Remark:"} {
		if strings.HasPrefix(text, head) {
			return true
		}
	}
	return false
}

func (r *Reader) w3c(text string) (access, bool) {
	parts := strings.Fields(text)
	if len(parts) != len(r.fields) {
		return access{}, false
	}
	got := make(map[string]string, len(parts))
	for i, name := range r.fields {
		if parts[i] != "-" {
			got[name] = parts[i]
		}
	}
	at, err := time.Parse("2006-01-02 15:04:05", got["date"]+" "+got["time"])
	if err != nil || got["cs-uri-stem"] == "" {
		return access{}, false
	}
	a := access{
		address: got["c-ip"], user: got["cs-username"], method: got["cs-method"], target: got["cs-uri-stem"], protocol: got["cs-version"], at: at,
		status: got["sc-status"], bytes: got["sc-bytes"], referrer: got["cs(Referer)"], agent: strings.ReplaceAll(got["cs(User-Agent)"], "+", " "),
	}
	if q := got["cs-uri-query"]; q != "" {
		a.target += "?" + q
	}
	return a, true
}

// members are what the access logs of web servers and proxies in JSON call the parts of a request.
func members() map[string][]string {
	return map[string][]string{
		"address":  {"remote_addr", "client_ip", "remote_ip", "clientip", "client", "remoteAddr", "request.remote_ip", "request.client_ip"},
		"user":     {"remote_user", "user_id", "username"},
		"request":  {"request"},
		"method":   {"request_method", "method", "http_method", "verb", "request.method"},
		"target":   {"request_uri", "uri", "url", "path", "request.uri"},
		"status":   {"status", "status_code", "response", "code"},
		"bytes":    {"body_bytes_sent", "bytes_sent", "size", "bytes"},
		"referrer": {"http_referer", "referer", "referrer"},
		"agent":    {"http_user_agent", "user_agent", "agent"},
	}
}

// accessOf finds a request in the members of a JSON object, by dotted name.
func accessOf(flat map[string]string) (access, bool) {
	got := map[string]string{}
	for part, names := range members() {
		for _, name := range names {
			if v := flat[name]; v != "" && v != "-" {
				got[part] = v
				break
			}
		}
	}
	a := access{
		address: got["address"], user: got["user"], method: got["method"], target: got["target"], status: got["status"], bytes: got["bytes"],
		referrer: got["referrer"], agent: got["agent"],
	}
	if strings.Contains(got["request"], " ") {
		a.request(got["request"])
	}
	return a, a.method != "" && a.target != "" && a.status != ""
}

// into puts what the line says into an event.
func (a access) into(o object) {
	o.set("time", stamp(a.at))
	o["class_uid"], o["activity_id"] = 4002, 99 // HTTP Activity
	if at, err := netip.ParseAddr(a.address); err == nil {
		o["src_endpoint"] = object{"ip": at.Unmap().WithZone("").String()}
	}
	if a.user != "" && a.user != "-" {
		o["user"] = object{"uid": a.user}
	}
	if n, err := strconv.Atoi(a.status); err == nil && n >= 100 && n <= 599 {
		o["status_code"] = a.status
	}
	o.set("http_method", a.method)
}

// text is the line in the combined format, whatever form it came in.
func (a access) text() string {
	quoted := func(s string) string {
		if s == "" {
			return "-"
		}
		return escaped.ReplaceAllString(s, `\"`)
	}
	or := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	request := strings.TrimSpace(a.method + " " + a.target + " " + or(a.protocol))
	if a.method == "" {
		request = a.target
	}
	at := "-"
	if !a.at.IsZero() {
		at = a.at.Format("02/Jan/2006:15:04:05 -0700")
	}
	return or(a.address) + " - " + or(a.user) + " [" + at + `] "` + quoted(strings.TrimSuffix(request, " -")+protocol(a)) + `" ` + or(a.status) + " " + or(a.bytes) +
		` "` + quoted(a.referrer) + `" "` + quoted(a.agent) + `"`
}

// protocol stands in for one that was not written: the form has one.
func protocol(a access) string {
	if a.protocol == "" && a.method != "" {
		return " HTTP/1.1"
	}
	return ""
}

// escaped is a quote, with the escape that may stand before it.
var escaped = regexp.MustCompile(`\\?"`)
