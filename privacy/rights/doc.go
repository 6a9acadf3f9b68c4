// Package rights keeps what patients ask for by law, and carries out what takes no more than the ledger and
// the decisions: requests with their clocks, restrictions of use, and the accounting of disclosures.
//
// Invariant: nothing here is done to a patient's data without an entry of the ledger in the same Op, and
// what lies in the tables says nothing of anybody to who has no key: a request lies under its patient's
// key, and goes with it.
//
// Nouns. A Request is one right exercised, under one Regulation, which says when it is due. A Restriction
// says that a patient's records are kept and not used, for some purposes or for all; access enforces it. A
// Disclosure is one statement of to whom data left; the accounting is the list of them, each with a proof.
package rights
