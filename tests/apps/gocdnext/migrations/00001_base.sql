-- +goose Up
CREATE TABLE runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE agents (
    name text PRIMARY KEY,
    status text NOT NULL,
    registered_at timestamptz NOT NULL,
    last_seen timestamptz NOT NULL
);
CREATE TABLE job_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES runs,
    status text NOT NULL,
    agent text REFERENCES agents,
    attempt integer NOT NULL DEFAULT 0,
    -- A job of this stand-in ends when it is told that it may.
    may_finish boolean NOT NULL DEFAULT false,
    started_at timestamptz,
    finished_at timestamptz
);
CREATE TABLE log_lines (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_run_id bigint NOT NULL REFERENCES job_runs,
    line text NOT NULL
);
CREATE TABLE artifacts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_run_id bigint NOT NULL REFERENCES job_runs,
    path text NOT NULL,
    sha256 text NOT NULL
);
CREATE TABLE secrets (
    name text PRIMARY KEY,
    sealed text NOT NULL
);

-- +goose Down
DROP TABLE secrets, artifacts, log_lines, job_runs, agents, runs;
