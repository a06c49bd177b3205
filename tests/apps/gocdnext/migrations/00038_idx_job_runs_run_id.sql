-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY idx_job_runs_run_id ON job_runs (run_id);

-- +goose Down
DROP INDEX CONCURRENTLY idx_job_runs_run_id;
