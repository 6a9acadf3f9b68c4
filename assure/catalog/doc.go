// Package catalog is what is asked of an organisation: regulations, and this product's own requirements, as data.
//
// Its invariant: every requirement has one id, by which checks name it, and says by itself whether its wording and
// numbering were held against an official source. The wording is ours.
//
// Nouns: a Regulation has Requirements. One may say that others ask for the same (As): whatever is known of those is
// known of it. One is recorded where a population of entries in the ledger shows it.
package catalog
