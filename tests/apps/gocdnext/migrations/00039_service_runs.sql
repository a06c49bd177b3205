-- +goose Up
CREATE TABLE service_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_run_id bigint NOT NULL REFERENCES job_runs,
    name text NOT NULL
);

-- +goose Down
DROP TABLE service_runs;
