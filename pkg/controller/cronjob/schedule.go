package cronjob

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// schedule is a crontab line: bits for the values at which it fires.
type schedule struct {
	minute, hour, day, month, weekday uint64
	anyDay, anyWeekday                bool // "*": then only the other of the two counts
	every                             time.Duration
	zone                              *time.Location
}

type bounds struct {
	min, max int
	names    []string // names[i] stands for min+i
}

var (
	minutes  = bounds{0, 59, nil}
	hours    = bounds{0, 23, nil}
	days     = bounds{1, 31, nil}
	months   = bounds{1, 12, strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")}
	weekdays = bounds{0, 6, strings.Fields("sun mon tue wed thu fri sat")}
)

var macros = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// parse reads a line of five fields, a macro, or "@every duration". Times are in the zone.
func parse(line string, zone *time.Location) (*schedule, error) {
	line = strings.TrimSpace(line)
	if rest, ok := strings.CutPrefix(line, "TZ="); ok {
		return parseZone(rest)
	}
	if rest, ok := strings.CutPrefix(line, "CRON_TZ="); ok {
		return parseZone(rest)
	}
	if rest, ok := strings.CutPrefix(line, "@every "); ok {
		d, err := time.ParseDuration(rest)
		if err != nil {
			return nil, fmt.Errorf("schedule %q: %w", line, err)
		}
		return &schedule{every: max(d.Truncate(time.Second), time.Second), zone: zone}, nil
	}
	if m, ok := macros[line]; ok {
		line = m
	}
	f := strings.Fields(line)
	if len(f) != 5 {
		return nil, fmt.Errorf("schedule %q: %d fields, want 5", line, len(f))
	}
	s := &schedule{zone: zone, anyDay: isAny(f[2]), anyWeekday: isAny(f[4])}
	for i, part := range []struct {
		to *uint64
		b  bounds
	}{{&s.minute, minutes}, {&s.hour, hours}, {&s.day, days}, {&s.month, months}, {&s.weekday, weekdays}} {
		var err error
		if *part.to, err = parseField(f[i], part.b); err != nil {
			return nil, fmt.Errorf("schedule %q: %w", line, err)
		}
	}
	return s, nil
}

func parseZone(rest string) (*schedule, error) {
	name, line, _ := strings.Cut(rest, " ")
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, err
	}
	return parse(line, zone)
}

func isAny(f string) bool {
	f, _, _ = strings.Cut(f, "/")
	return f == "*" || f == "?"
}

func parseField(field string, b bounds) (bits uint64, err error) {
	for part := range strings.SplitSeq(field, ",") {
		span, stepText, hasStep := strings.Cut(part, "/")
		from, to := b.min, b.max
		if span != "*" && span != "?" {
			a, z, isRange := strings.Cut(span, "-")
			if from, err = b.value(a); err != nil {
				return 0, err
			}
			switch {
			case isRange:
				if to, err = b.value(z); err != nil {
					return 0, err
				}
			case !hasStep:
				to = from
			}
		}
		step := 1
		if hasStep {
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return 0, fmt.Errorf("bad step in %q", part)
			}
		}
		if from > to {
			return 0, fmt.Errorf("%q runs backwards", part)
		}
		for v := from; v <= to; v += step {
			bits |= 1 << v
		}
	}
	return bits, nil
}

func (b bounds) value(s string) (int, error) {
	for i, n := range b.names {
		if strings.EqualFold(s, n) {
			return b.min + i, nil
		}
	}
	v, err := strconv.Atoi(s)
	if err != nil || v < b.min || v > b.max {
		return 0, fmt.Errorf("%q is not between %d and %d", s, b.min, b.max)
	}
	return v, nil
}

// next is the first time after t at which the schedule fires, or the zero time when it never does within five years.
func (s *schedule) next(t time.Time) time.Time {
	if s.every > 0 {
		return t.Truncate(time.Second).Add(s.every)
	}
	local := t.In(s.zone)
	limit := local.AddDate(5, 0, 0)
	// The wall clock is walked in whole steps of the largest unit that does not fit.
	for c := local.Truncate(time.Minute).Add(time.Minute); c.Before(limit); {
		switch {
		case s.month&(1<<int(c.Month())) == 0:
			c = time.Date(c.Year(), c.Month()+1, 1, 0, 0, 0, 0, s.zone)
		case !s.dayFits(c):
			c = time.Date(c.Year(), c.Month(), c.Day()+1, 0, 0, 0, 0, s.zone)
		case s.hour&(1<<c.Hour()) == 0:
			c = c.Truncate(time.Minute).Add(time.Duration(60-c.Minute()) * time.Minute)
		case s.minute&(1<<c.Minute()) == 0:
			c = c.Add(time.Minute)
		default:
			return c.In(t.Location())
		}
	}
	return time.Time{}
}

func (s *schedule) dayFits(t time.Time) bool {
	day, weekday := s.day&(1<<t.Day()) != 0, s.weekday&(1<<int(t.Weekday())) != 0
	if s.anyDay || s.anyWeekday {
		return day && weekday
	}
	return day || weekday
}
