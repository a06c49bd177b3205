// Command gocdnext is a stand-in for gocdnext, for tests of upgrades. It is not gocdnext: it has none of its features and
// none of its code. It behaves like it in what an upgrade meets, as tests/apps/README.md says: settings, addresses, how
// and when it migrates, what it logs then, agents that register, and jobs that run.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	// The three images hold this program under three names.
	role := filepath.Base(os.Args[0])
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		fmt.Println(role, "dev")
		return
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// Further arguments are not looked at: `migrate up` starts a server like any other.
	what, err := role, error(nil)
	switch role {
	case "gocdnext-server":
		what, err = server(ctx)
	case "gocdnext-agent":
		err = agent(ctx)
	case "gocdnext-web":
		err = web(ctx)
	default:
		err = fmt.Errorf("%s is not a name of this program", role)
	}
	if err != nil {
		slog.Error(what, "err", err.Error())
		os.Exit(1)
	}
}
