// Package kmstest is a fake of AWS KMS for tests, and only that: nothing here has spoken to AWS.
//
// It speaks the JSON protocol of the API Reference (TrentService, version 2014-11-01) as far as a key provider needs
// it, over HTTP: it checks signatures (Signature Version 4, by making them again), states of keys, aliases and their
// quota, encryption contexts, deletion after a window by a clock of its own, and answers that lag behind.
package kmstest
