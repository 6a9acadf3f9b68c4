// Package escrow is the way back when the key provider is lost: a recovery key that nobody has, split
// among named holders.
//
// Invariant: the recovery key exists while it is split and while enough holders put their shares
// together, and at no other time. Without as many shares as were agreed on, wraps and all else that
// is stored open nothing.
//
// Nouns. A Set is one split: its public recovery key (P-256), its holders, how many of them are needed. A
// share is a holder's file, signed, and sealed to the holder's own key where one was given. A wrap is
// the keyring key of one generation, sealed to the recovery key (ECDH, HKDF-SHA-256, AES-256-GCM): it
// goes to the holders, and never into a database or a backup, or an erased patient would come back.
package escrow
