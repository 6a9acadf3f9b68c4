package secrets

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"unicode/utf16"
)

// sort says how much a line of a file means.
type sort int

// The sorts of files, by how likely it is that what looks like an assignment is one.
const (
	code   sort = iota // a quoted literal counts when it looks like a secret
	config             // values count, also without quotes
	env                // what a process is started with: every literal password counts
	prose              // only what is unmistakable counts
	locked             // hashes of packages by the thousand: only tokens and URLs count
	binary             // only tokens with a mark of their own, and keys
)

// document is one file.
type document struct {
	path, base, ext string // with slashes; in lower case; with its dot
	text            []byte
	lower           []byte // the text in lower case, byte by byte
	sort            sort
	test            bool // part of a test: literals in it open nothing
	sample          bool // a template that somebody is to fill in
	labels          bool // words for people in their language
	shell           bool // a script, where values need no quotes
	store           bool // a program keeps logins in it: also a weak password is one
}

// newDocument sorts a file. Text in UTF-16 becomes UTF-8: lines stay, columns need not.
func newDocument(name string, text []byte) *document {
	text = fromUTF16(text)
	base := strings.ToLower(path.Base(name))
	d := &document{path: name, base: base, ext: path.Ext(base), text: text, lower: lower(text)}
	d.sort = sortOf(base, d.ext, text)
	folders := strings.Split(strings.ToLower(path.Dir(name)), "/")
	d.test = isTest(base, folders)
	d.sample = isSample(base)
	d.shell = slices.Contains([]string{".sh", ".bash", ".zsh", ".ksh", ".bat", ".cmd"}, d.ext)
	d.store = isStore(base, folders)
	d.labels = slices.ContainsFunc(folders, isLabels) || d.ext == ".po" || base == "strings.xml"
	return d
}

// lower folds ASCII only, so that places in it are places in the text.
func lower(text []byte) []byte {
	out := make([]byte, len(text))
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
	}
	return out
}

// fromUTF16 decodes text that begins with a byte order mark of UTF-16.
func fromUTF16(text []byte) []byte {
	if len(text) < 2 || !(text[0] == 0xff && text[1] == 0xfe || text[0] == 0xfe && text[1] == 0xff) {
		return text
	}
	low := 0
	if text[0] == 0xfe {
		low = 1
	}
	units := make([]uint16, 0, len(text)/2)
	for i := 2; i+1 < len(text); i += 2 {
		units = append(units, uint16(text[i+low])|uint16(text[i+1-low])<<8)
	}
	return []byte(string(utf16.Decode(units)))
}

// probe is how much of a file says whether it is binary: as much as git looks at.
const probe = 8000

func sortOf(base, ext string, text []byte) sort {
	switch {
	case bytes.IndexByte(text[:min(len(text), probe)], 0) >= 0:
		return binary
	case isLocked(base):
		return locked
	case strings.HasPrefix(base, ".env"), startsShell(base), strings.HasPrefix(base, "dockerfile"), ext == ".dockerfile", base == "config" && !bytes.HasPrefix(text, []byte("[")):
		return env
	}
	switch ext {
	case ".env":
		return env
	case ".ini", ".cfg", ".conf", ".config", ".cnf", ".properties", ".yml", ".yaml", ".json", ".json5", ".jsonc", ".toml", ".xml", ".tfvars",
		".tfstate", ".backup", ".plist", ".reg", ".hcl", ".tf", ".sql", ".netrc", ".ovpn", ".rdp", ".publishsettings", ".pubxml", ".dsn", ".envrc":
		return config
	case ".md", ".rst", ".txt", ".adoc", ".htm", ".html", ".csv", ".tsv", ".log", ".tex", ".org", ".svg", ".css", ".eml", ".po", ".pot":
		return prose
	case "":
		return bare(base)
	}
	if ext == base { // a dot file
		return config
	}
	return code
}

// bare sorts names without an ending: what is written in capitals is read by people or by make.
func bare(base string) sort {
	switch base {
	case "makefile", "gnumakefile", "jenkinsfile", "vagrantfile", "rakefile", "gemfile", "procfile", "build", "workspace":
		return code
	case "containerfile":
		return env
	case "readme", "license", "copying", "changelog", "changes", "authors", "contributors", "notice", "news", "todo", "install", "history":
		return prose
	}
	return config
}

func startsShell(base string) bool {
	switch strings.TrimPrefix(base, ".") {
	case "bashrc", "bash_profile", "bash_aliases", "bash_login", "zshrc", "zshenv", "zprofile", "profile", "exports", "envrc", "kshrc", "cshrc", "environment":
		return true
	}
	return false
}

func isLocked(base string) bool {
	switch base {
	case "go.sum", "go.work.sum", "go.mod", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "deno.lock", "gradle.lockfile", "verification-metadata.xml", "packages.lock.json":
		return true
	}
	return strings.HasSuffix(base, ".lock") || strings.HasSuffix(base, ".min.js") || strings.HasSuffix(base, ".map") || strings.HasSuffix(base, ".min.css")
}

func isTest(base string, folders []string) bool {
	for _, f := range folders {
		switch f {
		case "test", "tests", "__tests__", "testdata", "spec", "specs", "fixture", "fixtures", "__fixtures__", "mock", "mocks", "__mocks__", "testing", "e2e", "cypress":
			return true
		}
	}
	stem, ext, _ := strings.Cut(base, ".")
	return strings.Contains("."+base, ".examples.") || strings.HasSuffix(stem, "_test") || strings.HasPrefix(stem, "test_") || strings.HasSuffix(stem, "_spec") ||
		strings.HasPrefix(ext, "test.") || strings.HasPrefix(ext, "spec.") || strings.HasSuffix(stem, "test") && ext == "java" || stem == "conftest"
}

func isSample(base string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(base, func(r rune) bool { return strings.ContainsRune("._-", r) }), func(word string) bool {
		switch word {
		case "example", "examples", "sample", "template", "tmpl", "tpl", "dist", "defaults", "j2", "erb", "mustache", "skel":
			return true
		}
		return false
	})
}

func isLabels(folder string) bool {
	switch folder {
	case "locale", "locales", "lang", "langs", "language", "languages", "i18n", "l10n", "translations", "translation", "messages":
		return true
	}
	return false
}

// longestLine is how far a line is followed to either side: what stands farther away in a line of a
// machine has nothing to do with it.
const longestLine = 4096

// line gives where the line around a place begins and ends, without its end mark.
func (d *document) line(at int) (start, end int) {
	start, end = max(0, at-longestLine), min(len(d.text), at+longestLine)
	if i := bytes.LastIndexByte(d.text[start:at], '\n'); i >= 0 {
		start += i + 1
	}
	if i := bytes.IndexByte(d.text[at:end], '\n'); i >= 0 {
		end = at + i
	}
	return start, end
}

// variable reports whether a value is the name of something that is assigned, as in `exports.a = a;`.
func (d *document) variable(start, end int) bool {
	return d.sort == code && bytes.HasSuffix(d.text[:start], []byte("= ")) && bytes.HasPrefix(d.text[end:], []byte(";"))
}

// sortAt says how much the line at a place means: what stands in the comment that describes something (/** … */) is
// a manual within code.
func (d *document) sortAt(at int) sort {
	from, to := d.line(at)
	line := bytes.TrimLeft(d.text[from:to], " \t")
	if d.sort == code && (bytes.HasPrefix(line, []byte("* ")) || bytes.HasPrefix(line, []byte("/** "))) {
		return prose
	}
	return d.sort
}

// expression reports whether a bare value is one that a program works out: a call, or a name after a name.
func (d *document) expression(start, end int) bool {
	if start > 0 && isQuote(d.text[start-1]) || d.shell || d.sort != code && d.sort != prose {
		return false
	}
	if end < len(d.text) && d.text[end] == '(' {
		return true
	}
	names := strings.Split(string(d.text[start:end]), ".")
	return len(names) > 1 && !slices.ContainsFunc(names, func(name string) bool {
		return name == "" || isDigit(name[0]) || strings.ContainsAny(name, "-/+=")
	})
}

// has reports whether the text has a word, in any case.
func (d *document) has(word string) bool { return bytes.Contains(d.lower, []byte(word)) }
