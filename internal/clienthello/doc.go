// Package clienthello begins TLS handshakes by hand, with offers that a TLS library would not
// make, and reads what the server answers. A check that a server refuses something old or weak
// needs it: a client that cannot offer it proves nothing.
package clienthello
