-- Where the provider's keys are, as an owner confirmed it or the first sign-in found it; empty until then.
ALTER TABLE connections ADD COLUMN confirmed_jwks_uri TEXT NOT NULL DEFAULT '';
