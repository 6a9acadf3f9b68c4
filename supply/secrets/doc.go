// Package secrets finds credentials in a tree and in its git history: gitleaks' rules, the files whose
// only purpose is to hold credentials, passwords that configuration assigns, and private keys in every
// encoding.
//
// Its nouns: a document is one file's text and what sort of file it is; a hit is where in it a secret
// stands and by which rule; the Scanner turns hits into findings. The invariant: no byte of a secret is
// in anything that this package returns. A value that nobody would mistake for a secret (a placeholder,
// a reference, a published example) is none.
package secrets
