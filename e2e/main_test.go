package e2e_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) {
	testkit.Main(m, func() error { return os.RemoveAll(binaryDir()) })
}

// binaryDir is where this process builds the binary. It is made once, as every test shares it.
var binaryDir = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "tutela-e2e-")
	if err != nil {
		panic(err) // no test can run
	}
	return dir
})

var buildOnce = sync.OnceValues(func() (string, error) {
	if err := lookAtSources(".."); err != nil {
		return "", err
	}
	path := filepath.Join(binaryDir(), "tutela")
	build := exec.Command("go", "build", "-o", path, "./cmd/tutela")
	build.Dir = ".."
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFIPS140=certified")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build tutela: %w: %s", err, out)
	}
	return path, nil
})

// lookAtSources opens every folder that the binary is made from. The test cache remembers what a
// test opened, not what a compiler that it ran did: without this it would serve old results.
func lookAtSources(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		if d.IsDir() && path != root && (name[0] == '.' || name == "testdata" || name == "e2e" || name == "bin") {
			return filepath.SkipDir
		}
		return err
	})
}

// tutelaPath is the path of the real thing, built as it ships.
func tutelaPath(t testing.TB) string {
	t.Helper()
	path, err := buildOnce()
	must(t, err)
	return path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
