// Package rig assembles a whole Tutela in the process of a test: a real database, real keys, the
// ledger, and the HTTP handler that ships. Requests go through the handler without a network.
//
// A package that rigs PostgreSQL declares
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
package rig
