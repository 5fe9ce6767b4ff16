package gc

import (
	"cmp"
	"slices"
	"time"
)

// seen is what is remembered of an image.
type seen struct {
	id          string
	size        uint64
	pinned      bool
	first, last time.Time // first detected, last used
}

// Unused decides which images go to give back need bytes: the longest unused first, none that was seen or used only lately. A need below
// zero means all.
func Unused(images []*seen, inUse map[string]bool, need int64, minAge time.Duration, now time.Time) []*seen {
	var candidates []*seen
	for _, image := range images {
		if image.pinned || inUse[image.id] || now.Sub(image.first) < minAge {
			continue
		}
		candidates = append(candidates, image)
	}
	slices.SortFunc(candidates, func(a, b *seen) int {
		return cmp.Or(a.last.Compare(b.last), a.first.Compare(b.first), cmp.Compare(a.id, b.id))
	})
	if need < 0 {
		return candidates
	}
	var out []*seen
	for _, image := range candidates {
		if need <= 0 {
			break
		}
		out = append(out, image)
		need -= int64(image.size)
	}
	return out
}

// Old decides which images go because nobody used them for maxAge.
func Old(images []*seen, inUse map[string]bool, maxAge, running time.Duration, now time.Time) []*seen {
	if maxAge <= 0 || running < maxAge {
		return nil // images are known since this kubelet runs: before that it cannot say
	}
	var out []*seen
	for _, image := range images {
		if !image.pinned && !inUse[image.id] && now.Sub(image.last) > maxAge && now.Sub(image.first) > maxAge {
			out = append(out, image)
		}
	}
	return out
}
