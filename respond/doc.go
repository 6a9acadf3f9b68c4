// Package respond holds what follows from what was detected. Its packages are the concepts: answer holds
// accounts, clients and addresses to what a policy says, alert tells people, siem tells other systems,
// and trail remembers how far each of them has followed the ledger.
//
// Invariant: nothing here opens a record. Findings, accounts, addresses and ids of entries are all that it
// sees, and what leaves the house holds less than that.
package respond
