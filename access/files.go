package access

import (
	"io/fs"
	"maps"
	"path"
	"slices"
)

// Files are policy files by name, as they come over the network or from a list of paths. They are the
// part of a directory that LoadPolicies looks at.
type Files map[string]string

// Open implements fs.FS: nothing is read piece by piece.
func (Files) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
}

// ReadFile implements fs.ReadFileFS.
func (f Files) ReadFile(name string) ([]byte, error) {
	text, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

// Glob implements fs.GlobFS.
func (f Files) Glob(pattern string) ([]string, error) {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		ok, err := path.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, name)
		}
	}
	return list, nil
}

// PolicyFile reports whether a file of a name counts in a policy directory.
func PolicyFile(name string) bool {
	return path.Ext(name) == ".cedar" || name == schemaFile || name == classesFile
}

// Files are those that the policies were read from.
func (p *Policies) Files() Files { return maps.Clone(p.files) }

// With are the policies as they would be with some files in the place of those of the same names, or
// beside the others.
func (p *Policies) With(files Files) (*Policies, error) {
	all := p.Files()
	maps.Copy(all, files)
	return LoadPolicies(all)
}

// sources reads the files of a policy directory.
func sources(dir fs.FS) (Files, error) {
	names, err := fs.Glob(dir, "*.cedar")
	if err != nil {
		return nil, err
	}
	f := Files{}
	for _, name := range append(names, schemaFile, classesFile) {
		text, err := fileOf(dir, name)
		if err != nil {
			return nil, err
		}
		f[name] = string(text)
	}
	return f, nil
}
