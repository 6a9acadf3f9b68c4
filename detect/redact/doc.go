// Package redact takes patient data and secrets out of free text: what other systems log is written by programs that
// knew nothing of who would read it.
//
// Invariant: what was taken out leaves a mark that says what it was and nothing else, and redacting twice changes
// nothing more. It goes by shapes and labels, so a name that nothing announces stays: docs/logs.md says how much does.
//
//   - Kind: what was taken out.
//   - Redactor: takes it out.
package redact
