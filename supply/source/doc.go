// Package source checks the team's own source: Go by gosec, with the go command's help and without a
// network, and patient data on its way into logs and errors.
package source
