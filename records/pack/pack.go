package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"

	"github.com/klauspost/compress/zstd"

	"github.com/tutela-health/tutela/internal/errs"
)

// MaxSize is the longest JSON that is packed or unpacked, in bytes: the longest request
// (16 MiB) and room for what the server adds to it.
const MaxSize = 16<<20 + 1<<20

// formatStored marks a body that is the JSON itself.
const formatStored = 0xFF

// Packer packs and unpacks. It is safe for concurrent use, holds a few megabytes for each
// processor, and should be made once.
type Packer struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
	ids []uint32 // of the dictionaries, that of version n at n-1
}

// New makes a Packer that writes with the current dictionary and reads every one.
func New() (*Packer, error) {
	all := dictionaries()
	parallel := runtime.GOMAXPROCS(0)
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(parallel),
		zstd.WithEncoderCRC(false), // the seal around it is the better checksum
		zstd.WithEncoderDict(all[current-1]),
	)
	if err != nil {
		return nil, fmt.Errorf("make compressor: %w", err)
	}
	dec, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(parallel),
		zstd.WithDecoderMaxMemory(MaxSize),
		zstd.WithDecoderDicts(all...),
	)
	if err != nil {
		return nil, fmt.Errorf("make decompressor: %w", err)
	}
	return &Packer{enc: enc, dec: dec, ids: dictionaryIDs(all)}, nil
}

// Pack appends the packed form of json to dst. JSON longer than MaxSize is
// errs.TooLarge, since Unpack would refuse it.
func (p *Packer) Pack(dst, json []byte) ([]byte, error) {
	if len(json) > MaxSize {
		return nil, errs.New(errs.TooLarge, "resource of %d bytes, at most %d are kept", len(json), MaxSize)
	}
	format, body := p.compress(json)
	start := len(dst)
	dst = append(dst, format)
	dst = binary.AppendUvarint(dst, uint64(len(body)))
	dst = append(dst, body...)
	return append(dst, make([]byte, padding(len(dst)-start))...), nil
}

// compress gives the shorter of the zstd frame and the JSON itself.
func (p *Packer) compress(json []byte) (format byte, body []byte) {
	body = p.enc.EncodeAll(json, make([]byte, 0, len(json)/4+64))
	if len(body) >= len(json) {
		return formatStored, json
	}
	return current, body
}

// Unpack appends the JSON of packed to dst. It fails (errs.Internal) on what has not the
// packed form, padding included, and on what would unpack to more than MaxSize.
func (p *Packer) Unpack(dst, packed []byte) ([]byte, error) {
	format, body, err := split(packed)
	if err != nil {
		return nil, err
	}
	if format == formatStored {
		if len(body) > MaxSize {
			return nil, errs.New(errs.Internal, "packed resource is too long")
		}
		return append(dst, body...), nil
	}
	return p.decompress(dst, body, format)
}

// decompress appends the content of one zstd frame, which must be under the dictionary
// that the format names. The library's limit counts what dst holds already, so a dst
// with content takes a copy.
func (p *Packer) decompress(dst, body []byte, format byte) ([]byte, error) {
	if err := p.checkFrame(body, format); err != nil {
		return nil, err
	}
	out, err := p.dec.DecodeAll(body, dst[len(dst):])
	if err != nil {
		return nil, fmt.Errorf("decompress packed resource: %w", err)
	}
	if len(dst) == 0 {
		return out, nil
	}
	return append(dst, out...), nil // in place where out lies in dst's spare room
}

// checkFrame holds a frame's header against the format byte.
func (p *Packer) checkFrame(body []byte, format byte) error {
	if format == 0 || int(format) > len(p.ids) {
		return errs.New(errs.Internal, "packed with dictionary %d, this program knows 1 to %d", format, len(p.ids))
	}
	var h zstd.Header
	if err := h.Decode(body); err != nil {
		return fmt.Errorf("read frame header: %w", err)
	}
	if h.DictionaryID != p.ids[format-1] || h.FrameContentSize > MaxSize {
		return errs.New(errs.Internal, "packed resource contradicts its format byte or is too long")
	}
	return nil
}

// split takes a packed value apart and refuses a length or padding that Pack does not write.
func split(packed []byte) (format byte, body []byte, err error) {
	if len(packed) == 0 {
		return 0, nil, errs.New(errs.Internal, "packed resource is empty")
	}
	size, n := binary.Uvarint(packed[1:])
	head := 1 + n
	if n <= 0 || size > uint64(len(packed)-head) {
		return 0, nil, errs.New(errs.Internal, "packed resource is cut short")
	}
	end := head + int(size)
	if len(packed) != Class(end) || len(bytes.Trim(packed[end:], "\x00")) != 0 {
		return 0, nil, errs.New(errs.Internal, "padding of packed resource is not as written")
	}
	return packed[0], packed[head:end], nil
}

// padding is how many bytes follow n to fill its class.
func padding(n int) int { return Class(n) - n }
