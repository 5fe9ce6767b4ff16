package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := dispatch(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("say run, report or list")
	}
	switch args[0] {
	case "run":
		return runCommand(ctx, args[1:], out)
	case "report":
		return reportCommand(args[1:])
	case "list":
		return listCommand(args[1:], out)
	}
	return fmt.Errorf("unknown command %q: say run, report or list", args[0])
}

// listCommand is `conformance list`: what a focus picks.
func listCommand(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("list", flag.ContinueOnError)
	focus := flags.String("focus", "", "a source file, a SIG or a regular expression")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all, err := suite()
	if err != nil {
		return err
	}
	tests, err := selectTests(all, *focus)
	if err != nil {
		return err
	}
	for _, t := range tests {
		mode := "parallel"
		if t.Serial {
			mode = "serial"
		}
		if _, err := fmt.Fprintf(out, "%s\t%s\t%s\t%.1f\t%s\n", t.SIG, t.File, mode, t.Seconds, t.Name); err != nil {
			return err
		}
	}
	return nil
}
