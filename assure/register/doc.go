// Package register keeps what an organisation governs by: risks, vendors, policies, reviews, training and their
// like, each as an item with all its revisions.
//
// Its invariant: nothing changes without an entry in the ledger in the same transaction, and the entry names the
// digest of what was written, so that a register can be held against the ledger. What an item says is sealed; its
// kind, its state, when something is due and keyed hashes of its id and its owner lie in clear, bound to the seal.
// No item holds patients' data.
//
// Who may change what is decided before: a Book only keeps.
package register
