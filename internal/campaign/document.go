package campaign

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
)

// editJSON changes one value of a document; nil if there is none.
func editJSON(r *rand.Rand, b []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	root := fromJSON(v, "")
	if !edit(r, root) {
		return nil
	}
	return appendJSON(nil, root)
}

func fromJSON(v any, key string) *node {
	n := &node{key: key}
	switch v := v.(type) {
	case bool:
		n.kind = nodeBool
		if v {
			n.number = 1
		}
	case string:
		n.kind, n.text = nodeString, []byte(v)
	case json.Number:
		i, err := strconv.ParseInt(v.String(), 10, 64)
		n.kind, n.number, n.neg = nodeInt, uint64(i), i < 0
		if err != nil {
			n.kind, n.text = nodeString, []byte(v)
		}
	case []any:
		n.kind = nodeList
		for _, e := range v {
			n.kids = append(n.kids, fromJSON(e, key))
		}
	case map[string]any:
		n.kind = nodeMap
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			n.kids = append(n.kids, &node{kind: nodeString, text: []byte(k)}, fromJSON(v[k], key+"."+k))
		}
	}
	return n
}

func appendJSON(b []byte, n *node) []byte {
	switch n.kind {
	case nodeBool:
		return strconv.AppendBool(b, n.number != 0)
	case nodeInt, nodeFixed32, nodeFixed64:
		if n.neg {
			return strconv.AppendInt(b, int64(n.number), 10)
		}
		return strconv.AppendUint(b, n.number, 10)
	case nodeString, nodeBytes:
		return appendJSONText(b, n.text)
	case nodeList, nodeMap:
		ends := "[]"
		if n.kind == nodeMap {
			ends = "{}"
		}
		b = append(b, ends[0])
		for i, k := range n.kids {
			switch {
			case i > 0 && n.kind == nodeMap && i%2 == 1:
				b = append(b, ':')
			case i > 0:
				b = append(b, ',')
			}
			b = appendJSON(b, k)
		}
		return append(b, ends[1])
	case nodeNil:
	}
	return append(b, "null"...)
}

func appendJSONText(b, text []byte) []byte {
	q, err := json.Marshal(string(text))
	if err != nil {
		return append(b, `""`...)
	}
	return append(b, q...)
}

// maxRefits bounds how many documents name each other.
const maxRefits = 6

// refitBlob gives a changed blob of an OCI layout the name that its digest asks
// for, and what names it the new digest and size, up to the index.
func refitBlob(list []member, at int, old []byte, oldName string) {
	for range maxRefits {
		m := &list[at]
		sum := sha256.Sum256(m.body)
		name := hex.EncodeToString(sum[:])
		prefix := m.name()[:len(m.name())-len(oldName)]
		clear(m.head[:100])
		copy(m.head[:100], prefix+name)
		m.seal(true)
		next := -1
		for i := range list {
			o := &list[i]
			if i == at || !bytes.Contains(o.body, []byte(oldName)) {
				continue
			}
			was := o.body
			o.body = bytes.ReplaceAll(o.body, []byte(oldName), []byte(name))
			o.body = bytes.Replace(o.body, fmt.Appendf(nil, `"size":%d`, len(old)), fmt.Appendf(nil, `"size":%d`, len(m.body)), 1)
			o.head = bytes.Clone(o.head)
			o.seal(true)
			if base := o.name(); len(base) > 64 {
				next, old, oldName = i, was, base[len(base)-64:]
			}
		}
		if next < 0 {
			return
		}
		at = next
	}
}
