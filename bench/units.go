package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// unitBenchmarks runs the packages' own benchmarks of what a request is made of and prints their medians.
func unitBenchmarks(ctx context.Context, rounds int) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-benchtime", "300ms", "-count", strconv.Itoa(rounds),
		"-bench", "^Benchmark(Authorize|Physician|Ask|Facts|Read|Sensitive|Seal|Open|Pack|Unpack|Encode|Parse)$|^BenchmarkAppend$/^(sqlite|postgres)$/^64$|^BenchmarkVerify$/^sqlite$/^(sealed|opened)$",
		"./access", "./keys", "./r4", "./records", "./records/pack", "./audit")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go test -bench: %w: %s", err, text)
	}
	r := &results{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		r.addBenchmark(lines.Text())
	}
	fmt.Printf("\nparts: medians of %d runs (lowest to highest)\n", rounds)
	r.print(os.Stdout)
	return nil
}

// addBenchmark reads a line such as "BenchmarkSeal-2  1000  1200 ns/op  40 entries/s".
func (r *results) addBenchmark(line string) {
	fields := strings.Fields(line)
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return
	}
	name := strings.TrimPrefix(fields[0], "Benchmark")
	if at := strings.LastIndexByte(name, '-'); at > 0 {
		name = name[:at]
	}
	for i := 2; i+1 < len(fields); i += 2 {
		if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
			r.add(name+", "+fields[i+1], v)
		}
	}
}
