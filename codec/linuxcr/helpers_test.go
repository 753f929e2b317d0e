package linuxcr

import (
	"errors"
	"strings"

	"github.com/thaw-cr/thaw/codec"
)

func asFormatError(err error) (*codec.FormatError, bool) {
	return errors.AsType[*codec.FormatError](err)
}

func containsText(err error, text string) bool { return strings.Contains(err.Error(), text) }
