package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommittedTablesAreCurrent generates the tables anew and compares them with those in the tree.
func TestCommittedTablesAreCurrent(t *testing.T) {
	dir := t.TempDir()
	if err := run("../../.cache/definitions", dir); err != nil {
		t.Fatalf("the official definitions are needed: %s from npm: %v", definitions, err)
	}
	made, err := filepath.Glob(filepath.Join(dir, "zz_*.go"))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := filepath.Glob("../zz_*.go")
	if err != nil {
		t.Fatal(err)
	}
	if len(made) != len(kept) {
		t.Errorf("%d tables are generated, %d are committed", len(made), len(kept))
	}
	for _, file := range made {
		if name := filepath.Base(file); content(t, file) != content(t, filepath.Join("..", name)) {
			t.Errorf("%s is stale: go generate ./r4", name)
		}
	}
}

func content(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}
