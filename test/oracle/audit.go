package oracle

import "fmt"

// auditLead begins the audit IDs of numbered requests.
const auditLead = "00000000-0000-4000-8000-"

func auditID(n int) string { return fmt.Sprintf("%s%012d", auditLead, n) }
