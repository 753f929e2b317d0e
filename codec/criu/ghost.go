package criu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"

	ghost_file "github.com/checkpoint-restore/go-criu/v8/crit/images/ghost-file"
	ipc_msg "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-msg"

	"github.com/thaw-cr/thaw/codec"
)

// ghostHead is how much of a ghost file its messages may take each.
const ghostHead = 64 << 10

// openGhost reads a file that has no name any more.
func (im *image) openGhost(f *file) (err error) {
	h, err := im.dir.Open(f.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	st, err := h.Stat()
	if err != nil {
		return err
	}
	f.size = st.Size()
	return im.readGhost(f, h)
}

// readGhost reads a file that has no name any more: its entry, and then either
// its contents or pieces of them, each with an entry of its own. Contents stay
// where they are; f.data holds the rest, and for contents in one piece how many
// bytes they have, as a word of 64 bits.
func (im *image) readGhost(f *file, h iofs.File) error {
	at, ok := h.(io.ReaderAt)
	if !ok {
		return errors.New("the source gives no random access")
	}
	head := make([]byte, min(f.size, ghostHead))
	if _, err := at.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := f.header(head); err != nil {
		return err
	}
	r := record{at: f.body}
	body, err := frameBody(head[f.body:], &r, im.lim)
	if err != nil {
		return err
	}
	g := &ghost_file.GhostFileEntry{}
	r.msg = g
	if err := im.unmarshal(body, &r); err != nil {
		return err
	}
	f.records = []record{r}
	begin := f.body + 4 + int64(len(body))
	f.data = bytes.Clone(head[:begin])
	src := &pageFile{dir: im.dir, name: f.name}
	if g.GetChunks() {
		return im.ghostChunks(f, at, begin, src)
	}
	f.data = binary.LittleEndian.AppendUint64(f.data, uint64(f.size-begin))
	if f.size > begin {
		f.ghost = []chunk{{0, uint64(f.size - begin), src, begin}}
	}
	return nil
}

// bareGhost reads what readGhost kept.
func (im *image) bareGhost(f *file) error {
	if err := f.header(f.data); err != nil {
		return err
	}
	end := uint64(0)
	for at := f.body; at < int64(len(f.data)); {
		r := record{at: at, n: len(f.records)}
		g, isFirst := &ghost_file.GhostFileEntry{}, r.n == 0
		c := &ghost_file.GhostChunkEntry{}
		if r.msg = c; isFirst {
			r.msg = g
		}
		body, err := frameBody(f.data[at:], &r, im.lim)
		if err != nil {
			return err
		}
		if err := im.unmarshal(body, &r); err != nil {
			return err
		}
		at += 4 + int64(len(body))
		f.records = append(f.records, r)
		if isFirst && !g.GetChunks() {
			return f.bareContents(at)
		}
		if !isFirst {
			if c.GetLen() == 0 || c.GetOff() < end || c.GetOff() > maxPages || c.GetLen() > maxPages {
				return codec.Errorf(codec.Misplaced, r.label(), r.at, "%d bytes at %#x after those up to %#x", c.GetLen(), c.GetOff(), end)
			}
			f.ghost = append(f.ghost, chunk{off: c.GetOff(), size: c.GetLen(), src: &pageFile{}})
			end = c.GetOff() + c.GetLen()
		}
	}
	if len(f.records) == 0 {
		return codec.Errorf(codec.Missing, "record 0", f.body, "the file has no record")
	}
	return nil
}

// bareContents reads the length of contents in one piece.
func (f *file) bareContents(at int64) error {
	if int64(len(f.data))-at != 8 {
		return codec.Errorf(codec.Malformed, "contents", at, "%d bytes where a length belongs", int64(len(f.data))-at)
	}
	if n := binary.LittleEndian.Uint64(f.data[at:]); n > 0 && n <= maxPages {
		f.ghost = []chunk{{size: n, src: &pageFile{}}}
	}
	return nil
}

// ghostChunks reads the entries of pieces.
func (im *image) ghostChunks(f *file, h io.ReaderAt, at int64, src *pageFile) error {
	end := uint64(0)
	for n := 1; at < f.size; n++ {
		r := record{at: at, n: n}
		buf := make([]byte, min(f.size-at, 64))
		if _, err := h.ReadAt(buf, at); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		body, err := frameBody(buf, &r, im.lim)
		if err != nil {
			return err
		}
		c := &ghost_file.GhostChunkEntry{}
		r.msg = c
		if err := im.unmarshal(body, &r); err != nil {
			return err
		}
		f.data = append(f.data, buf[:4+len(body)]...)
		at += 4 + int64(len(body))
		switch left := uint64(f.size - at); {
		case c.GetLen() > left:
			return codec.Errorf(codec.Truncated, r.label(), at, "%d bytes of data are to follow, %d are there", c.GetLen(), left)
		case c.GetLen() == 0 || c.GetOff() < end || c.GetOff() > maxPages:
			return codec.Errorf(codec.Misplaced, r.label(), r.at, "%d bytes at %#x after those up to %#x", c.GetLen(), c.GetOff(), end)
		}
		f.records = append(f.records, r)
		f.ghost = append(f.ghost, chunk{c.GetOff(), c.GetLen(), src, at})
		end = c.GetOff() + c.GetLen()
		at += int64(c.GetLen())
	}
	return nil
}

// splitMessages reads System V message queues: an entry for each, and behind it
// an entry and the bytes, padded to words of 8, of each message.
func (im *image) splitMessages(f *file) error {
	if err := f.header(f.data); err != nil {
		return err
	}
	left := uint32(0)
	for at := f.body; at < int64(len(f.data)); {
		r := record{at: at, n: len(f.records)}
		body, err := frameBody(f.data[at:], &r, im.lim)
		if err != nil {
			return err
		}
		at += 4 + int64(len(body))
		if left == 0 {
			q := &ipc_msg.IpcMsgEntry{}
			r.msg = q
			err = im.unmarshal(body, &r)
			left = q.GetQnum()
		} else {
			left--
			at, err = im.message(f, body, &r, at)
		}
		if err != nil {
			return err
		}
		f.records = append(f.records, r)
	}
	if left > 0 {
		return codec.Errorf(codec.Truncated, fmt.Sprintf("record %d", len(f.records)), int64(len(f.data)), "%d messages of the queue are not there", left)
	}
	return nil
}

func (im *image) message(f *file, body []byte, r *record, at int64) (int64, error) {
	m := &ipc_msg.IpcMsg{}
	r.msg = m
	if err := im.unmarshal(body, r); err != nil {
		return at, err
	}
	n := roundUp(uint64(m.GetMsize()), 8)
	if n > uint64(int64(len(f.data))-at) {
		return at, codec.Errorf(codec.Truncated, r.label(), at, "%d bytes of data are to follow, %d are there", n, int64(len(f.data))-at)
	}
	r.extra = f.data[at : at+int64(n) : at+int64(n)]
	return at + int64(n), nil
}
