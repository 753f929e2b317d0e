// Package campaign damages images and looks at what thaw makes of them.
//
// A case is an image, a mutator and a seed, and nothing else: the same case gives
// the same bytes on every run. Cases are done by worker processes, many in each;
// a panic, a case that takes too long or too much memory ends the worker, is
// booked on its case, and the campaign goes on.
//
// The main path:
//
//	Load                  the images: vectors, real ones, and both in other formats
//	Schedule              which case has which number
//	Case.Mutate           the damaged image
//	Examine               detect, decode, validate with plan, dump, convert
//	Work                  a worker: cases one after the other, under a watchdog
//	Campaign.Run          the workers of a campaign, and its books
//
// Mutants that validate without an error can be restored for real, in namespaces
// of their own: see Restore.
package campaign
