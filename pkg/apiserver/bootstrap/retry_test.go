package bootstrap

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetryGoesOnForAsLongAsTheServerRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, calls := time.Now(), 0
		err := retryUntil(t.Context(), func() error {
			if calls++; time.Since(began) < time.Minute {
				return errors.New("the store is slow")
			}
			return nil
		})
		if err != nil || calls < 60 {
			t.Errorf("after %d calls: %v", calls, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := retryUntil(ctx, func() error { return errors.New("never") }); err == nil {
			t.Error("no error when the server ends")
		}
	})
}
