package store

import "syscall"

// Room says how much may still be written to the file system of a folder, and how large it is, in bytes.
func Room(dir string) (free, of int64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), int64(st.Blocks) * int64(st.Bsize), nil
}
