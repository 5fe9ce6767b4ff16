// Package cronjob is what the API does with cronjobs: jobs that run by the clock.
// What one must look like is in tiphys.dev/apirules/batch/cronjob.
package cronjob
