package format

import (
	"context"
	"iter"
)

// ParentPages is a PageSource of an image that builds on others: some of its
// pages lie in those. Runs and ReadPages give them like the rest.
type ParentPages interface {
	PageSource
	// ParentRuns is Runs, less the pages that the image holds itself.
	ParentRuns(ctx context.Context, object ObjectID) iter.Seq2[PageRun, error]
}
