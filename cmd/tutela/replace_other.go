//go:build !linux

package main

import "errors"

// exchange swaps two directories in one step, where the kernel can.
func exchange(string, string) error { return errors.ErrUnsupported }
