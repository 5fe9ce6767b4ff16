package cgroup

import (
	"context"
	"errors"
	"fmt"
	"math"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// systemdDriver has systemd make a slice for each group. Values are given to systemd too, else its next reload would
// set its own; what systemd has no property for (huge pages) is written to the file system.
type systemdDriver struct{ h *hierarchy }

func (d *systemdDriver) path(n name) string   { return n.systemd() }
func (d *systemdDriver) parent(n name) string { return n.unit() }

func (d *systemdDriver) make(ctx context.Context, n name, r *Resources) error {
	conn, err := systemd.NewSystemdConnectionContext(ctx)
	if err != nil {
		return fmt.Errorf("connecting to systemd: %w", err)
	}
	defer conn.Close()
	properties := []systemd.Property{
		systemd.PropDescription("pods of this node: " + n.unit()),
		{Name: "DefaultDependencies", Value: dbus.MakeVariant(false)},
		{Name: "CPUAccounting", Value: dbus.MakeVariant(true)},
		{Name: "MemoryAccounting", Value: dbus.MakeVariant(true)},
		{Name: "TasksAccounting", Value: dbus.MakeVariant(true)},
		{Name: "IOAccounting", Value: dbus.MakeVariant(true)},
	}
	if len(n) > 1 {
		properties = append(properties, systemd.PropWants(n.parent().unit()))
	}
	done := make(chan string, 1)
	_, err = conn.StartTransientUnitContext(ctx, n.unit(), "replace", append(properties, d.properties(r)...), done)
	if err != nil && !unitExists(err) {
		return fmt.Errorf("starting slice %s: %w", n.unit(), err)
	}
	if err == nil {
		select {
		case result := <-done:
			if result != "done" {
				return fmt.Errorf("starting slice %s: systemd says %q", n.unit(), result)
			}
		case <-ctx.Done():
			return fmt.Errorf("starting slice %s: %w", n.unit(), ctx.Err())
		}
	}
	// systemd makes the directory only in hierarchies it manages itself.
	if err := d.h.make(n.systemd()); err != nil {
		return err
	}
	return d.h.apply(n.systemd(), r)
}

func (d *systemdDriver) apply(ctx context.Context, n name, r *Resources) error {
	conn, err := systemd.NewSystemdConnectionContext(ctx)
	if err != nil {
		return fmt.Errorf("connecting to systemd: %w", err)
	}
	defer conn.Close()
	if properties := d.properties(r); len(properties) > 0 {
		if err := conn.SetUnitPropertiesContext(ctx, n.unit(), true, properties...); err != nil {
			return fmt.Errorf("setting properties of slice %s: %w", n.unit(), err)
		}
	}
	return d.h.apply(n.systemd(), r)
}

func (d *systemdDriver) remove(ctx context.Context, n name) error {
	conn, err := systemd.NewSystemdConnectionContext(ctx)
	if err != nil {
		return fmt.Errorf("connecting to systemd: %w", err)
	}
	defer conn.Close()
	done := make(chan string, 1)
	if _, err := conn.StopUnitContext(ctx, n.unit(), "replace", done); err == nil {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	_ = conn.ResetFailedUnitContext(ctx, n.unit()) // only failed slices have something to reset
	return d.h.remove(ctx, n.systemd())
}

func (d *systemdDriver) properties(r *Resources) []systemd.Property {
	if r == nil {
		return nil
	}
	var out []systemd.Property
	add := func(name string, value uint64) {
		out = append(out, systemd.Property{Name: name, Value: dbus.MakeVariant(value)})
	}
	if r.CPUShares != nil {
		if d.h.version == 2 {
			add("CPUWeight", WeightOf(*r.CPUShares))
		} else {
			add("CPUShares", *r.CPUShares)
		}
	}
	if r.CPUQuota != nil {
		perSecond := uint64(math.MaxUint64)
		if *r.CPUQuota > 0 && r.CPUPeriod != nil && *r.CPUPeriod > 0 {
			perSecond = uint64(*r.CPUQuota) * 1_000_000 / *r.CPUPeriod
			// systemd rounds down to 10 ms: rounding up here keeps the limit from getting smaller than asked.
			if rest := perSecond % 10_000; rest != 0 {
				perSecond += 10_000 - rest
			}
			add("CPUQuotaPeriodUSec", *r.CPUPeriod)
		}
		add("CPUQuotaPerSecUSec", perSecond)
	}
	if r.Memory != nil {
		property := "MemoryMax"
		if d.h.version == 1 {
			property = "MemoryLimit"
		}
		add(property, orInfinity(*r.Memory))
	}
	if r.Pids != nil {
		add("TasksMax", orInfinity(*r.Pids))
	}
	return out
}

func orInfinity(n int64) uint64 {
	if n < 0 {
		return math.MaxUint64
	}
	return uint64(n)
}

func unitExists(err error) bool {
	var e dbus.Error
	return errors.As(err, &e) && e.Name == "org.freedesktop.systemd1.UnitExists"
}
