// Package dest is where backups are kept: directories and S3 buckets.
//
// Invariant: an object is there whole, under its name, or not at all; and Keep returns nil only after it
// has read back what lies there and found it to be what was meant.
//
// Nouns. A Destination keeps objects, files of any size under names with slashes. What they hold is
// sealed before it comes here: a destination is trusted with keeping, not with reading.
package dest
