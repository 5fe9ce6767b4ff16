package nftables

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/knftables"
)

// Cleanup removes the tables of both families, whoever made them.
func Cleanup(ctx context.Context) error {
	var errs []error
	for _, family := range []knftables.Family{knftables.IPv4Family, knftables.IPv6Family} {
		nft, err := knftables.New(family, TableName)
		if err != nil {
			errs = append(errs, fmt.Errorf("family %s: %w", family, err))
			continue
		}
		tx := nft.NewTransaction()
		tx.Add(&knftables.Table{})
		tx.Delete(&knftables.Table{})
		if err := nft.Run(ctx, tx); err != nil {
			errs = append(errs, fmt.Errorf("removing table %s %s: %w", family, TableName, err))
		}
	}
	return errors.Join(errs...)
}
