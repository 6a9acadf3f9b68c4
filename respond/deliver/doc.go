// Package deliver makes one attempt to hand something to another system: by an HTTPS request, as syslog
// messages over TLS, or as mail.
//
// Invariant: an attempt ends in bounded time and memory, whatever the other side does, and succeeds only when
// that side has said that it has what it was given. What is put into a line or a header cannot end it.
package deliver
