// Package reception takes what other systems send to where it belongs: audit messages into the ledger, and messages of
// admission, appointment and order to detection as facts.
//
// Invariant: what is acknowledged is durable. An audit message by syslog has no acknowledgement (RFC 5425, section
// 4.3): it waits in a short queue, and while the ledger takes nothing, senders wait.
package reception
