package lint

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Source is the content of a file.
type Source struct {
	// Name is printed with what is found.
	Name string
	Data []byte
}

// Stdin is the name that stands for standard input.
const Stdin = "-"

// manifestExtensions are those of files that are read in folders, as kubectl does.
var manifestExtensions = []string{".yaml", ".yml", ".json"}

// Read reads files, whole folders with what is below them, and standard input.
func Read(names []string, stdin io.Reader) ([]Source, error) {
	var out []Source
	for _, name := range names {
		if name == Stdin {
			data, err := io.ReadAll(stdin)
			if err != nil {
				return nil, fmt.Errorf("reading standard input: %w", err)
			}
			out = append(out, Source{"stdin", data})
			continue
		}
		files, err := manifestFiles(name)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			out = append(out, Source{file, data})
		}
	}
	return out, nil
}

// manifestFiles is the file itself whatever it is called, or the manifests in a folder.
func manifestFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	var files []string
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && slices.Contains(manifestExtensions, filepath.Ext(path)) {
			files = append(files, path)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no .yaml, .yml or .json file in %s", name)
	}
	return files, err
}
