-- Since when sign-ins are refused because the provider publishes its keys elsewhere than confirmed; null while they are not.
ALTER TABLE connections ADD COLUMN keys_moved_at BIGINT;
