-- Needs api_keys for itself.
ALTER TABLE api_keys ADD COLUMN scopes text[] NOT NULL DEFAULT '{all}';
