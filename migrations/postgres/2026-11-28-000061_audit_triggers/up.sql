-- The audit log is append-only. Only what a chain's beginning has passed may go, and only an entry that has no
-- place yet may be given one.
CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
CREATE FUNCTION audit_lets_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.seq IS NULL OR NOT EXISTS (SELECT 1 FROM audit_heads WHERE chain = OLD.chain AND first_seq > OLD.seq) THEN
    RAISE EXCEPTION 'the audit log is append-only';
  END IF;
  RETURN OLD;
END $$;
CREATE FUNCTION audit_head_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE audit_heads SET hash = NEW.hash WHERE chain = NEW.chain AND seq = NEW.seq;
  RETURN NULL;
END $$;

CREATE TRIGGER audit_events_never_change BEFORE UPDATE ON audit_events
  FOR EACH ROW WHEN (OLD.seq IS NOT NULL) EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_events_never_go BEFORE DELETE ON audit_events
  FOR EACH ROW EXECUTE FUNCTION audit_lets_go();
CREATE TRIGGER audit_events_never_emptied BEFORE TRUNCATE ON audit_events
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_heads_never_go BEFORE DELETE ON audit_heads
  FOR EACH ROW EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_heads_never_emptied BEFORE TRUNCATE ON audit_heads
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_heads_go_forward BEFORE UPDATE ON audit_heads
  FOR EACH ROW WHEN (NEW.chain <> OLD.chain OR NEW.seq < OLD.seq OR NEW.first_seq < OLD.first_seq)
  EXECUTE FUNCTION audit_refuses();
-- A new entry is the chain's end.
CREATE TRIGGER audit_heads_follow AFTER INSERT ON audit_events
  FOR EACH ROW WHEN (NEW.seq IS NOT NULL) EXECUTE FUNCTION audit_head_follows();
-- A head is written with each entry: let its new version lie beside the old one.
ALTER TABLE audit_heads SET (fillfactor = 40);
