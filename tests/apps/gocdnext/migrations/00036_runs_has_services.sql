-- +goose Up
ALTER TABLE runs ADD COLUMN has_services boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE runs DROP COLUMN has_services;
