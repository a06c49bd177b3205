package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// store is the database, the artefacts' folder, and the key of the secrets. Its statements work on every schema from the
// first on, so that an older server runs on a newer schema.
type store struct {
	db        *sql.DB
	artefacts string
	key       string
}

// summary is what the tests compare before and after.
type summary struct {
	Jobs         int `json:"jobs"`
	Running      int `json:"running"`
	Succeeded    int `json:"succeeded"`
	RunTwice     int `json:"runTwice"`
	LogLines     int `json:"logLines"`
	Artefacts    int `json:"artefacts"`
	ArtefactsOk  int `json:"artefactsOk"`
	AgentsOnline int `json:"agentsOnline"`
	Secrets      int `json:"secrets"`
	SecretsOpen  int `json:"secretsOpen"`
}

func (s *store) register(ctx context.Context, name string) (registered time.Time, err error) {
	err = s.db.QueryRowContext(ctx, `
		INSERT INTO agents (name, status, registered_at, last_seen) VALUES ($1, 'online', clock_timestamp(), now())
		ON CONFLICT (name) DO UPDATE SET status = 'online', registered_at = clock_timestamp(), last_seen = now()
		RETURNING registered_at`, name).Scan(&registered)
	return registered, err
}

// unregister leaves an agent alone that has registered anew meanwhile.
func (s *store) unregister(ctx context.Context, name string, registered time.Time) error {
	_, err := s.db.ExecContext(ctx,
		"UPDATE agents SET status = 'offline' WHERE name = $1 AND registered_at = $2", name, registered)
	return err
}

// work is one moment of an agent that is connected: it gives a sign, ends jobs that may end, and takes the next one.
func (s *store) work(ctx context.Context, agent string) error {
	if _, err := s.db.ExecContext(ctx, "UPDATE agents SET last_seen = now() WHERE name = $1", agent); err != nil {
		return err
	}
	if err := s.finishJob(ctx, agent); err != nil {
		return err
	}
	_, err := s.db.ExecContext(ctx, `
		UPDATE job_runs SET status = 'running', agent = $1, attempt = attempt + 1, started_at = now()
		WHERE id = (SELECT id FROM job_runs WHERE status = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)`, agent)
	return err
}

// finishJob writes the artefact first and then everything that the database knows of it, so that no row is without bytes.
func (s *store) finishJob(ctx context.Context, agent string) error {
	var id int64
	err := s.db.QueryRowContext(ctx,
		"SELECT id FROM job_runs WHERE agent = $1 AND status = 'running' AND may_finish ORDER BY id LIMIT 1", agent).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	bytes := []byte(fmt.Sprintf("what job %d made\n", id))
	name := fmt.Sprintf("job-%d", id)
	if err := os.WriteFile(filepath.Join(s.artefacts, name), bytes, 0o644); err != nil {
		return err
	}
	sum := sha256.Sum256(bytes)
	_, err = s.db.ExecContext(ctx, `
		WITH finished AS (UPDATE job_runs SET status = 'success', finished_at = now() WHERE id = $1 RETURNING id),
			logged AS (INSERT INTO log_lines (job_run_id, line) SELECT id, 'done' FROM finished)
		INSERT INTO artifacts (job_run_id, path, sha256) SELECT id, $2, $3 FROM finished`, id, name, hex.EncodeToString(sum[:]))
	return err
}

func (s *store) queueAgain(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `
		WITH gone AS (UPDATE agents SET status = 'offline'
			WHERE status = 'online' AND last_seen < now() - interval '`+goesStale+`' RETURNING name)
		UPDATE job_runs SET status = 'queued', agent = NULL
		WHERE status = 'running' AND agent IN (SELECT name FROM gone UNION SELECT name FROM agents WHERE status = 'offline')`)
	return err
}

func (s *store) queueJob(ctx context.Context) (id int64, err error) {
	err = s.db.QueryRowContext(ctx, `
		WITH run AS (INSERT INTO runs (pipeline) VALUES ('stand-in') RETURNING id)
		INSERT INTO job_runs (run_id, status) SELECT id, 'queued' FROM run RETURNING id`).Scan(&id)
	return id, err
}

func (s *store) letFinish(ctx context.Context, id int64) error {
	_, err := s.db.ExecContext(ctx, "UPDATE job_runs SET may_finish = true WHERE id = $1", id)
	return err
}

func (s *store) keepSecret(ctx context.Context, name, value string) error {
	sealed, err := seal(s.key, value)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "INSERT INTO secrets (name, sealed) VALUES ($1, $2)", name, sealed)
	return err
}

func (s *store) summary(ctx context.Context) (*summary, error) {
	seen := &summary{}
	err := s.db.QueryRowContext(ctx, `
		SELECT count(*), count(*) FILTER (WHERE status = 'running'), count(*) FILTER (WHERE status = 'success'), count(*) FILTER (WHERE attempt > 1),
			(SELECT count(*) FROM log_lines), (SELECT count(*) FROM agents WHERE status = 'online')
		FROM job_runs`).Scan(&seen.Jobs, &seen.Running, &seen.Succeeded, &seen.RunTwice, &seen.LogLines, &seen.AgentsOnline)
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, "SELECT path, sha256 FROM artifacts", func(path, wanted string) {
		bytes, err := os.ReadFile(filepath.Join(s.artefacts, path))
		sum := sha256.Sum256(bytes)
		seen.Artefacts++
		if err == nil && hex.EncodeToString(sum[:]) == wanted {
			seen.ArtefactsOk++
		}
	})
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, "SELECT name, sealed FROM secrets", func(_, sealed string) {
		seen.Secrets++
		if opens(s.key, sealed) {
			seen.SecretsOpen++
		}
	})
	return seen, err
}

// each gives both columns of every row.
func (s *store) each(ctx context.Context, query string, row func(first, second string)) error {
	rows, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var first, second string
		if err := rows.Scan(&first, &second); err != nil {
			return err
		}
		row(first, second)
	}
	return rows.Err()
}
