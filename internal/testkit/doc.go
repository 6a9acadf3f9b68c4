// Package testkit starts the servers that tests talk to: real ones, on free loopback ports, ended
// by the test that started them. There is one PostgreSQL cluster a test process, and a fresh
// database in it for each test.
//
// A package that uses Postgres declares
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
//
// so that the cluster is kept from one test to the next and stopped after the last.
package testkit
