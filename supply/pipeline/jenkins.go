package pipeline

import (
	"regexp"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// jk is a look at one Jenkinsfile (jenkins.io, "Pipeline Syntax"). It reads Groovy's words, not its
// meaning: comments are taken out, and strings are told apart by their quotes, since only double ones interpolate.
type jk struct {
	*finder
	shellRules
	plain                                               []wording
	command, strangers, secretVar                       *regexp.Regexp
	credential, library, images, fixedVersion, swallows *regexp.Regexp

	within  bool // a """ command that began on an earlier line
	stages  bool // it is a whole pipeline
	cleaned bool // something cleans the workspace, or throws it away
}

// wording is a rule that needs one line alone.
type wording struct {
	is      *regexp.Regexp
	rule    supply.Rule
	message string
}

func (f *finder) newJenkins() *jk {
	re := regexp.MustCompile
	return &jk{
		finder: f, shellRules: newShellRules(),
		plain: []wording{
			{re(`\b(?:label|node)\b[\s(:]*['"](?:master|built-in|controller)['"]`), controllerBuild(), "the build runs on the controller"},
			{re(`\bagent\s+any\b|\bnode\s*\{|\bnode\s*\(\s*\)`), anyAgent(), "the build runs wherever there is room"},
			{re(`@Grab\b`), unpinned(), "the pipeline downloads a library by itself"},
			{re(`\bevaluate\s*\(|new\s+GroovyShell\b|\.execute\s*\(\s*\)`), unsandboxed(), "the pipeline runs text as a program"},
			{re(`\bcatchError\s*\([^)]*buildResult\s*:\s*['"]SUCCESS['"]`), toothless(), "what fails here leaves the build a success"},
		},
		command:      re(`\b(?:sh|bat|powershell|pwsh)\b[\s(]*(?:script\s*:\s*)?(?:"""|")`),
		strangers:    re(`\$\{?(?:params\.\w+|(?:env\.)?(?:CHANGE_(?:TITLE|BRANCH|AUTHOR\w*|FORK)|BRANCH_NAME|GIT_BRANCH|TAG_NAME|gitlabSourceBranch|ghprbPullTitle|ghprbSourceBranch))\b`),
		secretVar:    re(`\$\{?(?:env\.)?\w*(?:PASSWORD|PASSWD|PASS|PSW|SECRET|TOKEN|API_?KEY|CREDENTIALS?)\b`),
		credential:   re(`(?i)\b\w*(?:password|passwd|secret|token|api_?key)\s*[:=]\s*['"][^'"$]{6,}['"]`),
		library:      re(`@Library\s*\(\s*\[?\s*['"]([^'"]+)['"]|\blibrary\s*(?:\(\s*)?(?:identifier\s*:\s*)?['"]([^'"]+)['"]`),
		images:       re(`\bimage\s*\(?\s*:?\s*['"]([\w./-]+(?::[\w.-]+)?)['"]`),
		fixedVersion: re(`^[0-9a-f]{7,64}$|\d`),
		swallows:     re(`\breturnStatus\s*:\s*true`),
	}
}

// jenkinsfile looks at a Groovy pipeline.
func (f *finder) jenkinsfile(text string) {
	j := f.newJenkins()
	for i, line := range strings.Split(groovy(text), "\n") {
		j.line(line, i+1)
	}
	if j.stages && !j.cleaned {
		f.Add(uncleaned(), 1, "nothing cleans the workspace")
	}
}

func (j *jk) line(line string, at int) {
	j.stages = j.stages || strings.Contains(line, "stage")
	for _, word := range []string{"cleanWs", "deleteDir", "kubernetes", "dockerfile", "docker"} {
		j.cleaned = j.cleaned || strings.Contains(line, word) // a container is thrown away with its workspace
	}
	for _, w := range j.plain {
		if w.is.MatchString(line) {
			j.Add(w.rule, at, "%s", w.message)
		}
	}
	j.commands(line, at)
	j.foreign(line, at)
	if j.credential.MatchString(line) && !strings.Contains(line, "redentials") && !strings.Contains(strings.ToLower(line), "variable") {
		j.Add(literal(), at, "a credential is written out")
	}
	if j.swallows.MatchString(line) && j.check.MatchString(line) {
		j.Add(toothless(), at, "the result of a check is thrown away")
	}
	j.groovyShell(line, at)
}

// commands looks at what Groovy puts into the text of a command.
func (j *jk) commands(line string, at int) {
	begins := j.command.MatchString(line)
	interpolates := j.within || begins
	if strings.Count(line, `"""`)%2 == 1 {
		j.within = !j.within && begins
	}
	if interpolates && j.strangers.MatchString(line) {
		j.Add(injection(), at, "a parameter or the name of a branch becomes part of a command: use single quotes and the environment")
	}
	if interpolates && j.secretVar.MatchString(line) {
		j.Add(leakedSecret(), at, "Groovy puts a secret into the command's text: use single quotes, and let the shell read it")
	}
}

// foreign looks at libraries and images.
func (j *jk) foreign(line string, at int) {
	for _, m := range j.library.FindAllStringSubmatch(line, -1) {
		if _, version, ok := strings.Cut(m[1]+m[2], "@"); !ok || !j.fixedVersion.MatchString(version) {
			j.Add(unpinned(), at, "the library %s has no fixed version", m[1]+m[2])
		}
	}
	for _, m := range j.images.FindAllStringSubmatch(line, -1) {
		if _, tag, tagged := strings.Cut(m[1][strings.LastIndexByte(m[1], '/')+1:], ":"); !tagged || tag == "latest" {
			j.Add(unpinned(), at, "the image %s has no version", m[1])
		}
	}
}

// groovyShell looks at what stands in the strings of a line, as at a shell's.
func (j *jk) groovyShell(line string, at int) {
	inner := strings.TrimRight(strings.TrimSpace(line), `'")`)
	if j.pipe.MatchString(line) {
		j.Add(piped(), at, "a download is run without a look at it")
	}
	if j.ignored.MatchString(inner) && j.check.MatchString(line) {
		j.Add(toothless(), at, "the result of a check is thrown away")
	}
}

// groovy takes comments out, and keeps lines and strings as they are.
func groovy(text string) string {
	out := []byte(text)
	for i := 0; i < len(out); {
		switch c := out[i]; {
		case c == '/' && i+1 < len(out) && out[i+1] == '/' && (i == 0 || out[i-1] != ':'):
			for ; i < len(out) && out[i] != '\n'; i++ {
				out[i] = ' '
			}
		case c == '/' && i+1 < len(out) && out[i+1] == '*':
			end := strings.Index(text[i+2:], "*/")
			stop := len(out)
			if end >= 0 {
				stop = i + 2 + end + 2
			}
			for ; i < stop; i++ {
				if out[i] != '\n' {
					out[i] = ' '
				}
			}
		case c == '\'' || c == '"':
			i = pastString(text, i)
		default:
			i++
		}
	}
	return string(out)
}

// pastString gives the place after the string that begins at i.
func pastString(text string, i int) int {
	quote := text[i : i+1]
	if strings.HasPrefix(text[i:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	for i += len(quote); i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case strings.HasPrefix(text[i:], quote):
			return i + len(quote)
		case len(quote) == 1 && text[i] == '\n':
			return i // it was no string
		}
	}
	return len(text)
}
