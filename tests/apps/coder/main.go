// Command coder is a stand-in for Coder, for tests of upgrades. It is not Coder: it has none of its features and none of
// its code. It behaves like it in what an upgrade meets, as tests/apps/README.md says: settings, probes, how and when it
// migrates, what it refuses, and which locks its replicas hold.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	_ "github.com/lib/pq"
)

func main() {
	role := strings.Join(os.Args[1:], " ")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var err error
	switch role {
	case "server":
		err = server(ctx)
	case "provisionerd start":
		err = provisioner(ctx)
	default:
		err = fmt.Errorf("%q is neither `server` nor `provisionerd start`", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// server migrates, and listens only when that is done.
func server(ctx context.Context) error {
	version := os.Getenv("CODER_STAND_IN_VERSION")
	last, known := lastMigration[version]
	if !known {
		return fmt.Errorf("CODER_STAND_IN_VERSION: there is no version %q", version)
	}
	db, err := sql.Open("postgres", os.Getenv("CODER_PG_CONNECTION_URL"))
	if err != nil {
		return fmt.Errorf("CODER_PG_CONNECTION_URL: %w", err)
	}
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("connect to postgres: %w", err)
	}
	if err := migrateUp(db, last); err != nil {
		return fmt.Errorf("migrate up: %w", err)
	}

	ended := make(chan error, 2)
	if os.Getenv("CODER_STAND_IN_HOLD_API_KEYS") == "true" {
		go func() { ended <- holdAPIKeys(ctx, db) }()
	}
	listener := http.Server{Addr: os.Getenv("CODER_HTTP_ADDRESS"), Handler: routes(db, version)}
	go func() { ended <- listener.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return listener.Shutdown(within)
}

// holdAPIKeys keeps a transaction open that has api_keys as a writer has it, and works on in it: a migration that needs
// the table for itself waits for as long as this server lives.
func holdAPIKeys(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("hold api_keys: %w", err)
	}
	if _, err := tx.Exec("LOCK TABLE api_keys IN ROW EXCLUSIVE MODE"); err != nil {
		return fmt.Errorf("hold api_keys: %w", err)
	}
	for {
		if _, err := tx.ExecContext(ctx, "SELECT pg_sleep(1)"); err != nil && ctx.Err() == nil {
			return fmt.Errorf("hold api_keys: %w", err)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// provisioner asks the server over and over, as an external provisioner keeps its connection. It has no database.
func provisioner(ctx context.Context) error {
	url := os.Getenv("CODER_URL")
	if url == "" {
		return errors.New("CODER_URL is not set")
	}
	client := http.Client{Timeout: 5 * time.Second}
	told := ""
	for ctx.Err() == nil {
		said := "connected to " + url
		if answer, err := client.Get(url + "/api/v2/buildinfo"); err != nil {
			said = err.Error()
		} else if answer.Body.Close(); answer.StatusCode != http.StatusOK {
			said = answer.Status
		}
		if said != told {
			fmt.Println(said)
			told = said
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return nil
}
