//go:build !linux

package main

import "errors"

// hardenMemory can do nothing on this platform.
func hardenMemory() error {
	return errors.New("memory may be swapped out and dumped here, keys among it: switch swap and core dumps off")
}
