package pages

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// qrCode is a QR code as the template draws it: a path over a square of Size modules.
type qrCode struct {
	Size int
	Path string
}

// quiet is the margin that readers need (ISO/IEC 18004: four modules).
const quiet = 4

// drawQR draws a text as a path in SVG, one run of dark modules after the other.
func drawQR(text string) (qrCode, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return qrCode{}, fmt.Errorf("draw QR code: %w", err)
	}
	var b strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for x+run < code.Size && code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return qrCode{Size: code.Size + 2*quiet, Path: b.String()}, nil
}
