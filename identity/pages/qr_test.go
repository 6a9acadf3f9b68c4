package pages

import (
	"fmt"
	"strings"
	"testing"

	"rsc.io/qr"
)

// TestQRPathDrawsEveryModule paints the path and compares it with the code module by module.
func TestQRPathDrawsEveryModule(t *testing.T) {
	const text = "otpauth://totp/Tutela:nora?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Tutela&algorithm=SHA1&digits=6&period=30"
	drawn, err := drawQR(text)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	black := map[[2]int]bool{}
	for run := range strings.SplitSeq(strings.TrimSuffix(drawn.Path, "z"), "z") {
		var x, y, n, back int
		if _, err := fmt.Sscanf(run, "M%d %dh%dv1h-%d", &x, &y, &n, &back); err != nil || n != back {
			t.Fatalf("run %q: %v", run, err)
		}
		for i := range n {
			black[[2]int{x + i, y}] = true
		}
	}
	if drawn.Size != code.Size+8 {
		t.Errorf("size %d, want a margin of four modules around %d", drawn.Size, code.Size)
	}
	for y := range drawn.Size {
		for x := range drawn.Size {
			if want := code.Black(x-4, y-4); black[[2]int{x, y}] != want {
				t.Fatalf("module %d,%d is %v, want %v", x, y, !want, want)
			}
		}
	}
}

func TestQRRefusesWhatDoesNotFit(t *testing.T) {
	if _, err := drawQR(strings.Repeat("x", 4000)); err == nil {
		t.Error("4,000 characters were drawn")
	}
}
