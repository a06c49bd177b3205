-- +goose Up
ALTER TABLE entries DROP COLUMN note;
