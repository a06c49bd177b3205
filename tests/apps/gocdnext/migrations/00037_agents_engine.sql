-- +goose Up
ALTER TABLE agents ADD COLUMN engine text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE agents DROP COLUMN engine;
