package pipeline

import (
	"regexp"
	"strings"

	"github.com/tutela-health/tutela/supply/yamltree"
)

// What shell lines have in common wherever they stand. The expressions are made where they are used, once a
// file, and are linear in the text (RE2).
type shellRules struct {
	pipe, printed, ignored, check, secretName *regexp.Regexp
}

func newShellRules() shellRules {
	return shellRules{
		pipe:       regexp.MustCompile(`\b(?:curl|wget)\b[^\n|;]*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|\b(?:ba|z|da)?sh\s+(?:-c\s+)?["']?[<$]\(\s*(?:curl|wget)\b|\b(?:iwr|Invoke-WebRequest|irm)\b[^\n|]*\|\s*(?:iex|Invoke-Expression)\b`),
		printed:    regexp.MustCompile(`\b(?:echo|printf|print|Write-Host)\b[^\n|>]*\$\{?(?:env:)?[A-Za-z_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY)[A-Za-z_]*\b`),
		ignored:    regexp.MustCompile(`(?:\|\|\s*(?:true|:|exit\s+0)|;\s*true)\s*$`),
		check:      regexp.MustCompile(`(?i)\b(?:go test|npm (?:run )?test|yarn test|pytest|mvn (?:test|verify)|gradle\w* (?:test|check)|tutela (?:gate|scan)|trivy|grype|snyk|semgrep|gitleaks|trufflehog|osv-scanner|gosec|bandit|npm audit|pip-audit|govulncheck|codeql|checkov|tfsec|kics|sonar-scanner|cosign verify)\b`),
		secretName: regexp.MustCompile(`(?i)(?:password|passwd|secret|token|api_?key|private_?key|access_?key|credential)s?$`),
	}
}

// script looks at the lines of a shell script that begins at a line of the file. A block's first line is
// the one after its key's.
func (f *finder) script(r shellRules, n yamltree.Node) {
	for i, line := range strings.Split(n.Text(), "\n") {
		at := n.Line() + i
		if strings.Contains(n.Text(), "\n") {
			at++
		}
		f.shell(r, line, at)
	}
}

func (f *finder) shell(r shellRules, line string, at int) {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "#") {
		return
	}
	if r.pipe.MatchString(line) {
		f.Add(piped(), at, "a download is run without a look at it")
	}
	if r.printed.MatchString(line) && !strings.Contains(line, "--password-stdin") && !strings.Contains(line, "add-mask") {
		f.Add(leakedSecret(), at, "a variable that is named like a secret is printed")
	}
	line, _, _ = strings.Cut(line, " #")
	if r.ignored.MatchString(strings.TrimSpace(line)) && r.check.MatchString(line) {
		f.Add(toothless(), at, "the result of a check is thrown away")
	}
}

// image looks at the name of a container image.
func (f *finder) image(n yamltree.Node) {
	name := n.Text()
	if name == "" || strings.ContainsAny(name, "$ ") || strings.Contains(name, "@sha256:") {
		return // what a variable holds is not known here
	}
	_, tag, tagged := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ":")
	if !tagged || tag == "latest" {
		f.Add(unpinned(), n.Line(), "the image %s has no version", name)
	}
}

// literalCredential looks at a named value.
func (f *finder) literalCredential(r shellRules, key string, v yamltree.Node) {
	text := v.Text()
	if len(text) < 6 || !r.secretName.MatchString(key) || strings.ContainsAny(text, "${} <>") || strings.HasPrefix(text, "/") {
		return // a reference, a placeholder, a path
	}
	switch strings.ToLower(text) {
	case "changeme", "example", "placeholder", "redacted", "false", "write", "inherit":
		return
	}
	f.Add(literal(), v.Line(), "the value of %s is written out", key)
}
