package main

import (
	"crypto/fips140"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCmd struct {
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (versionCmd) Help() string { return "Example: tutela version --format json" }

type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	FIPS     bool   `json:"fips140"`
	Module   string `json:"fips140_module"`
}

// Run prints the version.
func (v versionCmd) Run(c console) error {
	info := version()
	if v.Format == "json" {
		return json.NewEncoder(c.out).Encode(info)
	}
	mode := "off"
	if info.FIPS {
		mode = "on"
	}
	_, err := fmt.Fprintf(c.out, "tutela %s %s\n%s\nFIPS 140-3 mode %s, Go Cryptographic Module %s\n",
		info.Version, info.Revision, info.Go, mode, info.Module)
	return err
}

func version() versionInfo {
	info := versionInfo{Version: "devel", Go: runtime.Version(), FIPS: fips140.Enabled(), Module: fips140.Version()}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	if build.Main.Version != "" && build.Main.Version != "(devel)" {
		info.Version = build.Main.Version
	}
	for _, s := range build.Settings {
		if s.Key == "vcs.revision" {
			info.Revision = s.Value
		}
	}
	return info
}
