// Package server assembles HTTP: TLS, limits, the order of middleware, routes. It decides
// nothing that a plane should decide.
//
// Invariant: a request reaches a plane only with a known host, a bounded size and time, a
// request id, and, but for the few public routes that routes.go names, a proven caller.
package server
