// Package osv knows advisories in the OSV format (ossf.github.io/osv-schema, version 1.7): what they
// say of a package's versions, how bad that is, and how to keep a whole ecosystem of them on disk so
// that one package's are found at once.
//
// Its nouns: an Advisory is what is known of one fault in one package; a Store is a folder with one
// database an ecosystem, made from the zips that osv.dev publishes, and CISA's catalogue of what is
// exploited. Nothing here uses a network.
//
// The invariant: a version that an advisory calls fixed is not affected, and a version that cannot be
// compared is an error, never "not affected".
package osv
