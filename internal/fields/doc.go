// Package fields walks over every field that an image of the model has, and gives
// each of them values that nobody would write: zero, the greatest and the least,
// those of others, a bit flipped, elements of lists removed and doubled.
//
// The main path:
//
//	pool := fields.Collect(images...)      // what the fields of real images hold
//	for _, s := range fields.Sites(img) {  // each place in an image
//		for _, m := range s.Mutations(pool) {
//			s.Try(m, func() { … })         // img has the value meanwhile
//		}
//	}
//
// Names lists the fields that the types can have, whatever an image has of them,
// so that a table about all of them can be compared with the model. The package
// knows no file format, no rule and no kernel; its tests do.
package fields
