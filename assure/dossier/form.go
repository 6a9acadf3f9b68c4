package dossier

import (
	"time"

	"github.com/tutela-health/tutela"
)

// Version is of the form of dossiers.
const Version = 1

// Names of files in a dossier.
const (
	ManifestFile = "manifest.json"
	ProofFile    = "proof.json" // the one file that no manifest names: it proves the manifest
	LeavesFile   = "ledger/leaves.ndjson"
	FirstFile    = "ledger/checkpoint-before" // the checkpoint before anything was gathered, which the sample is drawn by
	Populations  = "populations/"
)

// Sealing is the action of the entry that names a manifest's digest.
const Sealing = tutela.ActionPackageSeal

// Manifest says what is in a dossier.
type Manifest struct {
	Version int           `json:"version"`
	Origin  string        `json:"origin"` // of the ledger
	Tenant  tutela.Tenant `json:"tenant"`
	Made    time.Time     `json:"made"`
	By      tutela.Actor  `json:"by"`
	// The entries are those of a period: From on and before To.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// First and End are the leaves that hold all of the period's entries: First on and before End.
	First int64 `json:"first"`
	End   int64 `json:"end"`
	// Complete says that each of these leaves is opened, so that nothing can be left out unseen. Otherwise those of the
	// tables are, and a sample: so many leaves, drawn by Seed.
	Complete bool   `json:"complete"`
	Sample   int    `json:"sample,omitempty"`
	Seed     string `json:"seed,omitempty"`
	Files    []File `json:"files"` // by name
}

// File is one file of a dossier.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hexadecimal digits
}

// Line is a leaf of the ledger, its header opened.
type Line struct {
	Leaf   int64  `json:"leaf"`
	Sealed []byte `json:"sealed"` // as the tree holds it
	Salt   []byte `json:"salt"`
	Header []byte `json:"header"` // uvarint length, JSON of the entry, its writes
}

// Proof joins a dossier to the ledger.
type Proof struct {
	Checkpoint string   `json:"checkpoint"` // signed note
	Seal       Line     `json:"seal"`       // the entry that names the manifest's digest
	After      Line     `json:"after"`      // the entry behind the last of the period's leaves; the seal, where that is it
	Hashes     [][]byte `json:"hashes"`     // of the largest whole subtrees without any leaf of the dossier, from left to right
}
