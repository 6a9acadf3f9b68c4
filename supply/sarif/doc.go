// Package sarif takes in what other tools found, as SARIF 2.1.0: Semgrep, CodeQL, Trivy and their like.
//
// Invariant: a result that the tool counts becomes a finding, with a rule, a severity and a place like our
// own, or is said to be one that could not be read; nothing of a file that is not ours is shown as it came.
package sarif
