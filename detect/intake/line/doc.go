// Package line makes events of what other systems log: JSON lines, the access logs of web servers, syslog messages and
// plain text, in the form of docs/events.md.
//
// Invariant: nothing that it gives has gone round detect/redact, and patients are named by Tokens alone.
package line
