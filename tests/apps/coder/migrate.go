package main

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing/fstest"
	"time"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	"github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"
)

// The lock's number is Coder's own.
const migrationLock = int64(1037453835920848937)

// lastMigration says up to which migration each version goes. The numbers are those of this stand-in.
var lastMigration = map[string]uint{"2.26.0": 2, "2.26.6": 2, "2.27.8": 4}

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrateUp brings the schema to a version's last migration, and refuses a schema that it does not know.
func migrateUp(db *sql.DB, last uint) error {
	var ofVersion1 bool
	if err := db.QueryRow("SELECT to_regclass('migration_cursor') IS NOT NULL").Scan(&ofVersion1); err != nil {
		return err
	}
	if ofVersion1 {
		return errors.New("the database is that of Coder v1")
	}
	known, err := migrationsUpTo(last)
	if err != nil {
		return err
	}
	files, err := iofs.New(known, ".")
	if err != nil {
		return err
	}
	driver := &oneTransaction{db: db}
	if err := driver.createVersionTable(); err != nil {
		return err
	}
	migrator, err := migrate.NewWithInstance("", files, "", driver)
	if err != nil {
		return err
	}
	migrator.LockTimeout = 2 * time.Minute
	if err := migrator.Up(); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return fmt.Errorf("up: %w", err)
	}
	return nil
}

// migrationsUpTo gives the files that an older version has.
func migrationsUpTo(last uint) (fs.FS, error) {
	paths, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	known := fstest.MapFS{}
	for _, path := range paths {
		name := path[len("migrations/"):]
		migration, err := source.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if migration.Version > last {
			continue
		}
		content, err := migrationFiles.ReadFile(path)
		if err != nil {
			return nil, err
		}
		known[name] = &fstest.MapFile{Data: content}
	}
	return known, nil
}

// oneTransaction runs all pending migrations in one transaction, which also holds the lock: it ends with both or with
// neither. The row of the version is written by TRUNCATE and INSERT, so that nobody else reads it meanwhile.
type oneTransaction struct {
	db *sql.DB
	tx *sql.Tx
}

func (d *oneTransaction) createVersionTable() error {
	if err := d.Lock(); err != nil {
		return err
	}
	_, err := d.tx.Exec("CREATE TABLE IF NOT EXISTS schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)")
	return errors.Join(err, d.Unlock())
}

func (d *oneTransaction) Open(string) (database.Driver, error) {
	return nil, errors.New("it is made with a database and not opened")
}

func (d *oneTransaction) Close() error { return nil }

func (d *oneTransaction) Drop() error { return errors.New("nothing is dropped") }

func (d *oneTransaction) Lock() error {
	tx, err := d.db.Begin()
	if err != nil {
		return err
	}
	if _, err := tx.Exec("SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	d.tx = tx
	return nil
}

// Unlock commits. After a statement that failed the server rolls back instead, which the library tells as an error.
func (d *oneTransaction) Unlock() error { return d.tx.Commit() }

func (d *oneTransaction) Run(migration io.Reader) error {
	statements, err := io.ReadAll(migration)
	if err != nil {
		return err
	}
	_, err = d.tx.Exec(string(statements))
	return err
}

func (d *oneTransaction) SetVersion(version int, dirty bool) error {
	if _, err := d.tx.Exec("TRUNCATE schema_migrations"); err != nil {
		return err
	}
	_, err := d.tx.Exec("INSERT INTO schema_migrations (version, dirty) VALUES ($1, $2)", version, dirty)
	return err
}

func (d *oneTransaction) Version() (version int, dirty bool, err error) {
	err = d.tx.QueryRow("SELECT version, dirty FROM schema_migrations").Scan(&version, &dirty)
	if errors.Is(err, sql.ErrNoRows) {
		return database.NilVersion, false, nil
	}
	return version, dirty, err
}
