package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/gob"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// The floor is a server that does nothing but answer: net/http over the same TLS, in a process of
// its own as Tutela is, with the same bytes for the same address, kept in memory.

// floorCommand is the argument that makes this program the floor.
const floorCommand = "floor"

// page is one address and what is answered on it.
type page struct {
	Path string // with its query
	Body []byte
}

// serveFloor is the floor's process: it reads its pages from standard input, says where it listens
// and serves until its input ends.
func serveFloor(certificate, key string) error {
	in := bufio.NewReader(os.Stdin)
	var pages []page
	if err := gob.NewDecoder(in).Decode(&pages); err != nil {
		return fmt.Errorf("read pages: %w", err)
	}
	bodies := make(map[string][]byte, len(pages))
	for _, p := range pages {
		bodies[p.Path] = p.Body
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"},
	})
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = in.ReadByte() // ends with the parent
		_ = l.Close()
	}()
	err = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // loopback, for seconds
		body, ok := bodies[r.URL.RequestURI()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/fhir+json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}))
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// withFloor runs f while a floor answers with the pages.
func withFloor(ctx context.Context, s *system, pages []page, f func(address string, pid int) error) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, floorCommand, s.file("tls/server.pem"), s.file("tls/server.key"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close(), cmd.Wait()) }()
	if err := gob.NewEncoder(in).Encode(pages); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("floor does not listen: %w", err)
	}
	return f(strings.TrimSpace(line), cmd.Process.Pid)
}
