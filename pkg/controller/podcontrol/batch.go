package podcontrol

import (
	"errors"
	"sync"
)

// SlowStart calls do for 0…n-1, first once, then in parallel in batches that double while all of a batch succeed. After the
// first failing batch it stops: a request that cannot succeed (quota, invalid template) is then sent once, not n times. It
// returns how many succeeded and the failures of the last batch.
func SlowStart(n int, do func(i int) error) (int, error) {
	done, next := 0, 0
	for size := min(1, n); size > 0; size = min(2*size, n-next) {
		errs := Parallel(size, func(i int) error { return do(next + i) })
		next += size
		for _, err := range errs {
			if err == nil {
				done++
			}
		}
		if err := errors.Join(errs...); err != nil {
			return done, err
		}
	}
	return done, nil
}

// maxParallel bounds the requests one sync has in flight: the server's own fairness limits come first, and a goroutine per
// pod of a huge set would only wait in memory.
const maxParallel = 64

// Parallel calls do for 0…n-1 in parallel and returns the result of each.
func Parallel(n int, do func(i int) error) []error {
	errs := make([]error, n)
	slots := make(chan struct{}, maxParallel)
	var wg sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = do(i)
		})
	}
	wg.Wait()
	return errs
}
