package alert

import (
	"net/http"
	"time"
)

// Signed are the headers of a signed message.
func Signed(secret []byte, id string, at time.Time, body []byte) http.Header {
	h := http.Header{}
	sign(h, secret, id, at, body)
	return h
}

// Body is a note as a channel of a form is sent it.
func Body(f Form, secret string, n Note) ([]byte, error) {
	return webChannel{form: f, secret: []byte(secret), source: "node"}.body(n)
}
