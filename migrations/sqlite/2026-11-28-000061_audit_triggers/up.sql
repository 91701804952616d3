-- The audit log is append-only. Only what a chain's beginning has passed may go, and only an entry that has no
-- place yet may be given one.
CREATE TRIGGER audit_events_never_change BEFORE UPDATE ON audit_events WHEN OLD.seq IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_events_never_go BEFORE DELETE ON audit_events
WHEN OLD.seq IS NULL OR NOT EXISTS (SELECT 1 FROM audit_heads WHERE chain = OLD.chain AND first_seq > OLD.seq)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_heads_never_go BEFORE DELETE ON audit_heads
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_heads_go_forward BEFORE UPDATE ON audit_heads
WHEN NEW.chain <> OLD.chain OR NEW.seq < OLD.seq OR NEW.first_seq < OLD.first_seq
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- A new entry is the chain's end.
CREATE TRIGGER audit_heads_follow AFTER INSERT ON audit_events WHEN NEW.seq IS NOT NULL
BEGIN UPDATE audit_heads SET hash = NEW.hash WHERE chain = NEW.chain AND seq = NEW.seq; END;
