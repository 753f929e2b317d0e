package criu

import (
	"errors"
	"fmt"

	criu_sa "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-sa"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/vma"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/thaw-cr/thaw/codec"
)

// Lists that take most of the time if they are decoded as messages, because every
// number in them is an object of its own: where they stand in their message.
var (
	bulkActions = []protowire.Number{3, 15} // core_entry.tc, task_core_entry.sigactions
	bulkAreas   = []protowire.Number{14}    // mm_entry.vmas
)

// takeOut gives a message without the entries of a list in it, and those entries.
func (im *image) takeOut(body []byte, path []protowire.Number, r *record) ([]byte, error) {
	rest := make([]byte, 0, len(body))
	for len(body) > 0 {
		num, typ, n := protowire.ConsumeField(body)
		if n < 0 {
			return nil, codec.Errorf(codec.Malformed, r.label(), r.at, "%w", protowire.ParseError(n))
		}
		field := body[:n]
		body = body[n:]
		if num != path[0] || typ != protowire.BytesType {
			rest = append(rest, field...)
			continue
		}
		inner, err := fieldBytes(field)
		if err != nil {
			return nil, codec.Errorf(codec.Malformed, r.label(), r.at, "%w", err)
		}
		if len(path) == 1 {
			r.bulk = append(r.bulk, inner)
			if err := im.charge(24); err != nil {
				return nil, err
			}
			continue
		}
		if inner, err = im.takeOut(inner, path[1:], r); err != nil {
			return nil, err
		}
		rest = protowire.AppendBytes(protowire.AppendTag(rest, num, typ), inner)
	}
	return rest, nil
}

// fieldBytes is the value of a field of type bytes.
func fieldBytes(field []byte) ([]byte, error) {
	_, _, n := protowire.ConsumeTag(field)
	if n < 0 {
		return nil, protowire.ParseError(n)
	}
	v, n := protowire.ConsumeBytes(field[n:])
	if n < 0 {
		return nil, protowire.ParseError(n)
	}
	return v, nil
}

// numbers are the fields of a message that are numbers, by their number.
type numbers struct {
	v   [16]uint64
	has [16]bool
}

var errNoField = errors.New("a required field is missing")

// decodeNumbers reads the numbers of a message, of which the first so many fields
// are required. Others than numbers, and fields of later versions, are passed
// over: they are kept with the file.
func decodeNumbers(b []byte, required int) (numbers, error) {
	var out numbers
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return out, protowire.ParseError(n)
		}
		b = b[n:]
		if typ != protowire.VarintType {
			if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
				return out, protowire.ParseError(n)
			}
			b = b[n:]
			continue
		}
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return out, protowire.ParseError(n)
		}
		if b = b[n:]; int(num) < len(out.v) {
			out.v[num], out.has[num] = v, true
		}
	}
	for i := 1; i <= required; i++ {
		if !out.has[i] {
			return out, fmt.Errorf("field %d: %w", i, errNoField)
		}
	}
	return out, nil
}

// action is a sa_entry.
type action struct{ handler, flags, restorer, mask uint64 }

func decodeAction(b []byte) (action, error) {
	n, err := decodeNumbers(b, 4)
	return action{n.v[1], n.v[2], n.v[3], n.v[4]}, err
}

func actionOf(e *criu_sa.SaEntry) action {
	return action{e.GetSigaction(), e.GetFlags(), e.GetRestorer(), e.GetMask()}
}

// area is a vma_entry.
type area struct {
	start, end, pgoff, shmid, madv uint64
	prot, flags, status            uint32
}

func decodeArea(b []byte) (area, error) {
	n, err := decodeNumbers(b, 8)
	return area{n.v[1], n.v[2], n.v[3], n.v[4], n.v[9], uint32(n.v[5]), uint32(n.v[6]), uint32(n.v[7])}, err
}

func areaOf(e *vma.VmaEntry) area {
	return area{e.GetStart(), e.GetEnd(), e.GetPgoff(), e.GetShmid(), e.GetMadv(), e.GetProt(), e.GetFlags(), e.GetStatus()}
}
