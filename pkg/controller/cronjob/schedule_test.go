package cronjob

import (
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	for _, c := range []struct{ line, zone, after, want string }{
		{"* * * * *", "UTC", "2026-01-01T00:00:30Z", "2026-01-01T00:01:00Z"},
		{"*/15 * * * *", "UTC", "2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"},
		{"30 4 * * mon-fri", "UTC", "2026-01-02T05:00:00Z", "2026-01-05T04:30:00Z"},
		{"0 0 13 * 5", "UTC", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"}, // day of month or weekday
		{"0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"0 0 31 2 *", "UTC", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"@hourly", "UTC", "2026-01-01T00:59:59Z", "2026-01-01T01:00:00Z"},
		{"@every 90s", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:01:30Z"},
		{"0 9 * * *", "Europe/Berlin", "2026-07-01T08:00:00Z", "2026-07-02T07:00:00Z"},
		{"0 9 * * *", "Asia/Kolkata", "2026-07-01T00:00:00Z", "2026-07-01T03:30:00Z"},
		{"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"}, // 02:30 does not exist on the 29th
		{"TZ=America/New_York 0 12 * * *", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T17:00:00Z"},
		{"5-10/2,50 3 1 JAN ?", "UTC", "2026-01-01T03:07:00Z", "2026-01-01T03:09:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		s, err := parse(c.line, zone)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		after, _ := time.Parse(time.RFC3339, c.after)
		if got := s.next(after).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s (%s) after %s: %s, want %s", c.line, c.zone, c.after, got, c.want)
		}
	}
	for _, bad := range []string{"", "* * * *", "60 * * * *", "* * * * 7", "5-1 * * * *", "*/0 * * * *", "a * * * *"} {
		if _, err := parse(bad, time.UTC); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
