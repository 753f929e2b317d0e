// Package malformed is a corpus of checkpoint images that are wrong in one way
// each, with what must be said of every one of them: in testdata/malformed, for
// this project and any other.
//
//	c, err := malformed.Open(os.DirFS("testdata/malformed"))
//	for v, err := range c.Vectors() {
//		path, err := v.Write(dir)
//		…
//	}
//
// The corpus is made by Make from images that are right, one table of faults for
// each format. Nothing of what reads images takes part in making them, but the
// native encoder, which writes the images whose fault is in the model.
package malformed

//go:generate go test -run ^(TestCorpusIsFresh|TestSchema)$ . -update
