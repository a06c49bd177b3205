-- +goose Up
ALTER TABLE entries RENAME COLUMN account TO account_name;
