package policy

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxPattern is the greatest length of a pattern in bytes.
const maxPattern = 1024

// pattern is one entry of a list.
type pattern struct {
	text string
	// fixed is what stands before the first wildcard. Most values differ there.
	fixed string
	// below, if not empty, is what stands before a last /**.
	below string
	// within is the word between two ** of a pattern that is nothing else.
	within string
}

var errPattern = errors.New("no pattern")

func newPattern(text string) (pattern, error) {
	switch {
	case text == "":
		return pattern{}, fmt.Errorf("%w: it is empty", errPattern)
	case len(text) > maxPattern:
		return pattern{}, fmt.Errorf("%w: longer than %d bytes", errPattern, maxPattern)
	case !utf8.ValidString(text):
		return pattern{}, fmt.Errorf("%w: no UTF-8", errPattern)
	}
	p := pattern{text: text, fixed: text}
	if i := strings.IndexAny(text, "*?"); i >= 0 {
		p.fixed = text[:i]
	}
	p.below, _ = strings.CutSuffix(text, "/**")
	if p.below == text {
		p.below = ""
	}
	if word := strings.TrimSuffix(strings.TrimPrefix(text, "**"), "**"); len(word) == len(text)-4 && !strings.ContainsAny(word, "*?") {
		p.within = word
	}
	return p, nil
}

// fits says whether value is what the pattern describes.
func (p *pattern) fits(value string) bool {
	switch {
	case p.within != "":
		return strings.Contains(value, p.within)
	case p.below != "" && value == p.below:
		return true
	}
	rest, ok := strings.CutPrefix(value, p.fixed)
	if !ok {
		return false
	}
	switch wild := p.text[len(p.fixed):]; wild {
	case "":
		return rest == ""
	case "**":
		return true
	case "*":
		return !strings.Contains(rest, "/")
	default:
		return match(wild, rest)
	}
}

// match compares a value with a pattern that has wildcards. It keeps which parts
// of the pattern may come next, and so never looks at a character twice.
func match(wild, value string) bool {
	tokens := tokenize(wild)
	now, next := make([]bool, len(tokens)+1), make([]bool, len(tokens)+1)
	now[0] = true
	skipStars(tokens, now)
	for _, c := range value {
		clear(next)
		for i, t := range tokens {
			if !now[i] {
				continue
			}
			switch {
			case t == anyRun, t == anyPart && c != '/':
				next[i] = true
			case t == anyOne && c != '/', t == token(c):
				next[i+1] = true
			}
		}
		skipStars(tokens, next)
		now, next = next, now
	}
	return now[len(tokens)]
}

// token is a character of a pattern or one of the wildcards.
type token rune

const (
	anyOne  token = -1 - iota // ?
	anyPart                   // *
	anyRun                    // **
)

func tokenize(wild string) []token {
	list := make([]token, 0, len(wild))
	for i, c := range wild {
		switch {
		case c == '?':
			list = append(list, anyOne)
		case c != '*':
			list = append(list, token(c))
		case i > 0 && wild[i-1] == '*':
			list[len(list)-1] = anyRun
		default:
			list = append(list, anyPart)
		}
	}
	return list
}

// skipStars lets each star that may come next stand for nothing.
func skipStars(tokens []token, may []bool) {
	for i, t := range tokens {
		if may[i] && (t == anyPart || t == anyRun) {
			may[i+1] = true
		}
	}
}
