// Package erasure erases a patient by destroying keys: his own, those of what concerned him and others, the
// index's, and the generation that wrapped them, so that no copy of the database, of its log or of a backup opens any more.
//
// Invariant: nothing is destroyed that two people have not asked for, and no certificate says final before the key
// provider has said that the generation's key is gone.
//
// Nouns. An Erasure is one patient's, from the request to the certificate; each Step is done once, or again
// without harm. The Service's worker carries out all that are due together: they share one rotation.
package erasure
