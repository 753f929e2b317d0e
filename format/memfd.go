package format

// MemfdFile is a description of a memfd.
type MemfdFile struct {
	Shared ObjectID `json:"shared_memory"`
}
