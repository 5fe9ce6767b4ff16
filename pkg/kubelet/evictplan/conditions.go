package evictplan

// Conditions are the pressures a node reports.
type Conditions struct{ Memory, Disk, PID bool }
