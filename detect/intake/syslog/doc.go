// Package syslog takes in what other systems log: RFC 5424 messages over TLS (RFC 5425), framed by octet counting or, as
// some senders do, by line ends (RFC 6587, section 3.4).
//
// Invariant: a message is handed on once for each time that it was sent, in the order of its connection, and reading
// waits for whoever takes it: what cannot be taken stays with the sender.
package syslog
