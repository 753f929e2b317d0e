package linuxcr

import (
	"errors"

	"github.com/thaw-cr/thaw/codec"
)

func asFormatError(err error) (*codec.FormatError, bool) {
	return errors.AsType[*codec.FormatError](err)
}
