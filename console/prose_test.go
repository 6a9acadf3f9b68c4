package console

import (
	"fmt"
	"strings"
	"testing"
)

func TestProseKeepsWords(t *testing.T) {
	got := ""
	for _, b := range prose("# Hands\n\nWash **them**,\nwith `soap`.\n- warm\n- or\n  cold\n\n1. before\n2. after **care\n<b>x</b>\n") {
		got += b.Kind + ":"
		for _, item := range b.Items {
			for _, r := range item {
				got += fmt.Sprintf("[%s%s%s]", strings.Repeat("*", btoi(r.Strong)), strings.Repeat("`", btoi(r.Code)), r.Text)
			}
			got += "/"
		}
		got += "\n"
	}
	want := "heading:[Hands]/\nparagraph:[Wash ][*them][,][ with ][`soap][.]/\nbullets:[warm]/[or][ cold]/\nnumbers:[before]/[after **care][ <b>x</b>]/\n"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// No text stops a page, and no word is lost.
func FuzzProse(f *testing.F) {
	f.Add("# a\n\n- **b**\n1. `c`\nd")
	f.Fuzz(func(t *testing.T, text string) {
		left := func(s string) string {
			for _, cut := range []string{"*", "`", "#", "-", ".", " ", "\n", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"} {
				s = strings.ReplaceAll(s, cut, "")
			}
			return strings.Join(strings.Fields(s), "")
		}
		var b strings.Builder
		for _, x := range prose(text) {
			for _, item := range x.Items {
				for _, r := range item {
					b.WriteString(r.Text)
				}
			}
		}
		if left(b.String()) != left(text) {
			t.Errorf("%q became %q", text, b.String())
		}
	})
}
