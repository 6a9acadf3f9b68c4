// Package downtime keeps the essential chart of a ward's patients in a file that opens without the
// server, for the hours in which there is none.
//
// Invariant: a file is opened by who knows its passphrase, before its end, and never without a line
// in the log beside it that is durable first.
//
// Nouns. An Extract is what the file holds: patients with resources, as the person who made it may see
// them. A Head is what is readable without the passphrase, and part of what is authenticated: whose
// ward, until when. The Log is a chain of HMACs: whoever lacks the passphrase neither adds a line nor
// changes one. What an end and a log cannot do is in docs/threat-model.md.
package downtime
