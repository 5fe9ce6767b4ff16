// Package cronjob starts Jobs at the times of a schedule.
//
// schedule.go reads crontab lines in a time zone. One Sync: take note of Jobs that have finished, delete old ones beyond the
// history limits, and start the Job of the last time that has passed, if it is not too late and the concurrency policy lets
// it; then wait for the next time. The name of a Job follows from its time, so that it cannot be started twice.
package cronjob
