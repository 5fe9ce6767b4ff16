// Package job is what the API does with jobs: pods that run to an end.
// What one must look like is in tiphys.dev/apirules/batch/job.
package job
