package main

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"testing/fstest"

	"github.com/pressly/goose/v3"
)

// lastMigration says up to which migration each version goes, as the tags of the real one do.
var lastMigration = map[string]int{"0.4.34": 35, "0.6.4": 39}

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrateUp brings the schema to a version's last migration, with goose's global functions, which take no lock. A schema
// that is newer is left as it is.
func migrateUp(ctx context.Context, db *sql.DB, version string) error {
	last, known := lastMigration[version]
	if !known {
		return fmt.Errorf("GOCDNEXT_STAND_IN_VERSION: there is no version %q", version)
	}
	migrations, err := migrationsUpTo(last)
	if err != nil {
		return err
	}
	goose.SetBaseFS(migrations)
	goose.SetLogger(jsonLines{})
	if err := goose.SetDialect("postgres"); err != nil {
		return err
	}
	if err := goose.UpContext(ctx, db, "."); err != nil {
		return fmt.Errorf("up: %w", err)
	}
	return nil
}

// migrationsUpTo gives a file for every number. For those that the tests know nothing of there is an empty one, so that
// table and log are as long as the real ones.
func migrationsUpTo(last int) (fs.FS, error) {
	files := fstest.MapFS{}
	for number := 1; number <= last; number++ {
		paths, err := fs.Glob(migrationFiles, fmt.Sprintf("migrations/%05d_*.sql", number))
		if err != nil {
			return nil, err
		}
		name, content := fmt.Sprintf("%05d_stand_in.sql", number), []byte("-- +goose Up\n")
		if len(paths) == 1 {
			name = strings.TrimPrefix(paths[0], "migrations/")
			if content, err = migrationFiles.ReadFile(paths[0]); err != nil {
				return nil, err
			}
		}
		files[name] = &fstest.MapFile{Data: content}
	}
	return files, nil
}

// jsonLines puts goose's own lines into the log.
type jsonLines struct{}

func (jsonLines) Printf(format string, values ...any) {
	slog.Info(strings.TrimSpace(fmt.Sprintf(format, values...)))
}

func (jsonLines) Fatalf(format string, values ...any) {
	slog.Error(strings.TrimSpace(fmt.Sprintf(format, values...)))
	os.Exit(1)
}
