// Package goload gives Go packages with their types, for those that look into a tree again and again.
//
// Invariant: of the module itself nothing is compiled. Its packages are listed and type-checked from the
// bytes that the caller hands over, those that are only imported without the bodies of functions; what
// other modules declare comes from what the go command has compiled. What one change costs is therefore
// what the changed packages import, and not what imports them. The go command is kept from the network
// and from running anything of the tree.
//
// Nouns. A Module is the packages below one go.mod, or below none. A Package is one of them, as its files'
// heads say. Exports are files of the go command's, by import path.
package goload
