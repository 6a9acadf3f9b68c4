package supply

import (
	"io/fs"
	"syscall"
)

// complete adds what tells a file from another of its name.
func (s *stamp) complete(info fs.FileInfo) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Changed, s.Inode, s.Device = st.Ctim.Nano(), st.Ino, st.Dev
	}
}
