// Package signin is a person's browser without a screen: it goes through people's pages by their
// forms, and lets an application have a token by the code flow.
//
// Invariant: it knows nothing that a browser does not. Whatever the pages demand of a person is
// demanded of it too, so that a command, a check and a benchmark take no shorter way in.
//
// Nouns. A Browser keeps cookies and follows redirects within one site. A Page is where it came
// to: forms to fill in, or an address that leads away. An App is an application on the same
// machine, which gets a Token.
package signin
