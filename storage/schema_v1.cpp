#include "storage/schema_v1.hpp"

#include <fmt/format.h>

namespace tapd::storage {

// The cache mirrors what the server said: it has no foreign keys, because one dangling reference in
// a snapshot must not make the controller deaf to all the rest; and pours reference nothing,
// because a pour must be writable whatever the cache lacks.
//
// Columns beyond the dictionary: pour_seq is the order of writing, chain_no the order of closing
// (prev_hash follows it); price_cents_per_litre is the litre price behind price_per_ml_at_pour;
// hold_cents is the most an open pour may cost; settled_marker tells which balances contain the
// pour. next_attempt_at counts nanoseconds since the boot named beside it.
const char* const pours_of_v1 = R"sql(
CREATE TABLE pours (
  pour_seq INTEGER PRIMARY KEY,
  client_tx_id TEXT NOT NULL UNIQUE CHECK (length(client_tx_id) = 36),
  short_id TEXT NOT NULL CHECK (length(short_id) = 8),
  guest_id TEXT NOT NULL CHECK (guest_id <> ''),
  card_uid TEXT NOT NULL CHECK (length(card_uid) IN (8, 14, 20)),
  tap_id INTEGER NOT NULL CHECK (tap_id BETWEEN 1 AND 999),
  keg_id TEXT,
  authorized_by TEXT NOT NULL CHECK (authorized_by IN ('server', 'cache')),
  price_per_ml_at_pour TEXT NOT NULL,
  price_cents_per_litre INTEGER NOT NULL CHECK (price_cents_per_litre >= 0),
  hold_cents INTEGER NOT NULL CHECK (hold_cents >= 0),
  calibration_id INTEGER NOT NULL CHECK (calibration_id >= 0),
  boot_id TEXT NOT NULL CHECK (boot_id <> ''),
  start_ts TEXT NOT NULL,
  start_mono_ns INTEGER NOT NULL CHECK (start_mono_ns >= 0),
  created_at TEXT NOT NULL,

  volume_ml INTEGER NOT NULL DEFAULT 0 CHECK (volume_ml >= 0),
  tail_volume_ml INTEGER NOT NULL DEFAULT 0 CHECK (tail_volume_ml BETWEEN 0 AND volume_ml),
  price_cents INTEGER NOT NULL DEFAULT 0 CHECK (price_cents >= 0),
  pulses INTEGER NOT NULL DEFAULT 0 CHECK (pulses >= 0),
  edges_lost INTEGER NOT NULL DEFAULT 0 CHECK (edges_lost >= 0),
  checkpoints INTEGER NOT NULL DEFAULT 0 CHECK (checkpoints >= 0),
  end_ts TEXT NOT NULL,
  end_mono_ns INTEGER NOT NULL CHECK (end_mono_ns >= start_mono_ns),
  clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1)),

  stop_reason TEXT CHECK (stop_reason IN (
    'card_removed', 'card_tapped', 'limit_reached', 'no_flow', 'time_limit', 'other_card',
    'emergency_stop', 'tap_locked', 'refused_late', 'reader_fault', 'meter_fault', 'valve_fault',
    'storage_fault', 'shutdown', 'power_loss')),
  duration_ms INTEGER CHECK (duration_ms >= 0),
  chain_no INTEGER UNIQUE CHECK (chain_no >= 1),
  prev_hash TEXT CHECK (length(prev_hash) = 64),
  hash TEXT CHECK (length(hash) = 64),

  status TEXT NOT NULL DEFAULT 'open'
    CHECK (status IN ('open', 'new', 'sent', 'confirmed', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  next_attempt_at INTEGER,
  next_attempt_boot TEXT,
  last_error TEXT NOT NULL DEFAULT '',
  server_outcome TEXT NOT NULL DEFAULT '',
  sent_at TEXT,
  confirmed_at TEXT,
  settled_marker INTEGER CHECK (settled_marker >= 1),

  CHECK ((status = 'open') = (hash IS NULL)),
  CHECK (hash IS NULL OR (stop_reason IS NOT NULL AND duration_ms IS NOT NULL
                          AND chain_no IS NOT NULL AND prev_hash IS NOT NULL)),
  CHECK ((status = 'confirmed') = (confirmed_at IS NOT NULL)),
  CHECK (settled_marker IS NULL OR status IN ('confirmed', 'failed')),
  CHECK (status <> 'confirmed' OR settled_marker IS NOT NULL)
) STRICT;
)sql";

const char* const pour_rules_of_v1 = R"sql(
CREATE UNIQUE INDEX pours_one_open_per_tap ON pours (tap_id) WHERE status = 'open';
CREATE INDEX pours_unconfirmed ON pours (pour_seq) WHERE status <> 'confirmed';
CREATE INDEX pours_by_guest ON pours (guest_id, settled_marker);

CREATE TRIGGER pours_begin_open BEFORE INSERT ON pours
WHEN NEW.status <> 'open'
BEGIN
  SELECT RAISE(ABORT, 'a pour begins as open');
END;

CREATE TRIGGER pours_keep_their_beginning BEFORE UPDATE ON pours
WHEN NEW.pour_seq IS NOT OLD.pour_seq
  OR NEW.client_tx_id IS NOT OLD.client_tx_id
  OR NEW.short_id IS NOT OLD.short_id
  OR NEW.guest_id IS NOT OLD.guest_id
  OR NEW.card_uid IS NOT OLD.card_uid
  OR NEW.tap_id IS NOT OLD.tap_id
  OR NEW.keg_id IS NOT OLD.keg_id
  OR NEW.authorized_by IS NOT OLD.authorized_by
  OR NEW.price_per_ml_at_pour IS NOT OLD.price_per_ml_at_pour
  OR NEW.price_cents_per_litre IS NOT OLD.price_cents_per_litre
  OR NEW.hold_cents IS NOT OLD.hold_cents
  OR NEW.calibration_id IS NOT OLD.calibration_id
  OR NEW.boot_id IS NOT OLD.boot_id
  OR NEW.start_ts IS NOT OLD.start_ts
  OR NEW.start_mono_ns IS NOT OLD.start_mono_ns
  OR NEW.created_at IS NOT OLD.created_at
BEGIN
  SELECT RAISE(ABORT, 'what was known when a pour began never changes');
END;

CREATE TRIGGER pours_are_immutable BEFORE UPDATE ON pours
WHEN OLD.status <> 'open' AND (
  NEW.volume_ml IS NOT OLD.volume_ml
  OR NEW.tail_volume_ml IS NOT OLD.tail_volume_ml
  OR NEW.price_cents IS NOT OLD.price_cents
  OR NEW.pulses IS NOT OLD.pulses
  OR NEW.edges_lost IS NOT OLD.edges_lost
  OR NEW.checkpoints IS NOT OLD.checkpoints
  OR NEW.end_ts IS NOT OLD.end_ts
  OR NEW.end_mono_ns IS NOT OLD.end_mono_ns
  OR NEW.clock_trusted IS NOT OLD.clock_trusted
  OR NEW.stop_reason IS NOT OLD.stop_reason
  OR NEW.duration_ms IS NOT OLD.duration_ms
  OR NEW.chain_no IS NOT OLD.chain_no
  OR NEW.prev_hash IS NOT OLD.prev_hash
  OR NEW.hash IS NOT OLD.hash)
BEGIN
  SELECT RAISE(ABORT, 'a finished pour changes in its queue columns only');
END;

CREATE TRIGGER pours_move_forward BEFORE UPDATE OF status ON pours
WHEN NEW.status <> OLD.status AND (OLD.status || '>' || NEW.status) NOT IN
  ('open>new', 'new>sent', 'sent>confirmed', 'sent>failed', 'sent>new', 'failed>new')
BEGIN
  SELECT RAISE(ABORT, 'a pour moves open, new, sent, confirmed or failed, and back to new only');
END;

CREATE TRIGGER pours_stay BEFORE DELETE ON pours
WHEN OLD.status <> 'confirmed' OR OLD.chain_no = (SELECT max(chain_no) FROM pours)
BEGIN
  SELECT RAISE(ABORT, 'only confirmed pours may be deleted, and never the end of the chain');
END;
)sql";

namespace {

const char* const notes_of_v1 = R"sql(
CREATE TABLE meta (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

const char* const cache_and_logs_of_v1 = R"sql(
CREATE TABLE clock_marks (
  boot_id TEXT NOT NULL PRIMARY KEY CHECK (boot_id <> ''),
  boot_wall_ms INTEGER NOT NULL,
  noted_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE server_knowledge (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  marker INTEGER NOT NULL CHECK (marker >= 0),
  snapshot_revision INTEGER NOT NULL,
  snapshot_asked INTEGER CHECK (snapshot_asked >= 0),
  snapshot_heard_at TEXT,
  snapshot_heard_mono_ns INTEGER,
  snapshot_heard_boot TEXT,
  snapshot_clock_trusted INTEGER CHECK (snapshot_clock_trusted IN (0, 1)),
  CHECK ((snapshot_asked IS NULL) = (snapshot_heard_at IS NULL)),
  CHECK ((snapshot_asked IS NULL) = (snapshot_heard_mono_ns IS NULL)),
  CHECK ((snapshot_asked IS NULL) = (snapshot_heard_boot IS NULL)),
  CHECK ((snapshot_asked IS NULL) = (snapshot_clock_trusted IS NULL))
) STRICT;
INSERT INTO server_knowledge (only_row, marker, snapshot_revision) VALUES (1, 0, 0);

CREATE TABLE guests (
  guest_id TEXT NOT NULL PRIMARY KEY CHECK (guest_id <> ''),
  first_name TEXT NOT NULL,
  is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
  balance_cents INTEGER NOT NULL
    CHECK (balance_cents BETWEEN -1000000000000000 AND 1000000000000000),
  balance_asked INTEGER CHECK (balance_asked >= 0),
  balance_heard_at TEXT,
  balance_heard_mono_ns INTEGER,
  balance_heard_boot TEXT,
  balance_clock_trusted INTEGER CHECK (balance_clock_trusted IN (0, 1)),
  CHECK ((balance_asked IS NULL) = (balance_heard_at IS NULL)),
  CHECK ((balance_asked IS NULL) = (balance_heard_mono_ns IS NULL)),
  CHECK ((balance_asked IS NULL) = (balance_heard_boot IS NULL)),
  CHECK ((balance_asked IS NULL) = (balance_clock_trusted IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE cards (
  card_uid TEXT NOT NULL PRIMARY KEY CHECK (length(card_uid) IN (8, 14, 20)),
  guest_id TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'lost')),
  heard_asked INTEGER CHECK (heard_asked >= 0),
  refused_marker INTEGER CHECK (refused_marker >= 1),
  heard_at TEXT NOT NULL,
  CHECK (refused_marker IS NULL OR status <> 'active')
) STRICT, WITHOUT ROWID;

CREATE TABLE beverages (
  beverage_id TEXT NOT NULL PRIMARY KEY CHECK (beverage_id <> ''),
  name TEXT NOT NULL,
  brewery TEXT NOT NULL,
  style TEXT NOT NULL,
  price_cents_per_litre INTEGER NOT NULL CHECK (price_cents_per_litre >= 0),
  heard_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE kegs (
  keg_id TEXT NOT NULL PRIMARY KEY CHECK (keg_id <> ''),
  beverage_id TEXT NOT NULL,
  initial_volume_ml INTEGER NOT NULL CHECK (initial_volume_ml BETWEEN 0 AND 1000000000),
  current_volume_ml INTEGER NOT NULL CHECK (current_volume_ml BETWEEN 0 AND 1000000000),
  status TEXT NOT NULL CHECK (status IN ('full', 'in_use', 'empty')),
  heard_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE taps (
  tap_id INTEGER PRIMARY KEY CHECK (tap_id BETWEEN 1 AND 999),
  keg_id TEXT,
  display_name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'locked', 'cleaning', 'empty')),
  heard_at TEXT NOT NULL
) STRICT;

CREATE TABLE system_states (
  key TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),
  value TEXT NOT NULL,
  heard_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE calibrations (
  calibration_id INTEGER PRIMARY KEY,
  tap_id INTEGER NOT NULL CHECK (tap_id BETWEEN 1 AND 999),
  version INTEGER NOT NULL CHECK (version >= 1),
  nanolitres_per_pulse INTEGER NOT NULL CHECK (nanolitres_per_pulse > 0),
  curve TEXT,
  method TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_at TEXT NOT NULL,
  clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1)),
  UNIQUE (tap_id, version)
) STRICT;

CREATE TABLE flow_events (
  event_seq INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL CHECK (length(event_id) BETWEEN 1 AND 128),
  event_status TEXT NOT NULL CHECK (event_status IN ('started', 'updated', 'stopped')),
  tap_id INTEGER NOT NULL CHECK (tap_id BETWEEN 1 AND 999),
  volume_ml INTEGER NOT NULL CHECK (volume_ml >= 0),
  duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0),
  card_present INTEGER NOT NULL CHECK (card_present IN (0, 1)),
  valve_open INTEGER NOT NULL CHECK (valve_open IN (0, 1)),
  session_state TEXT NOT NULL CHECK (length(session_state) <= 64),
  reason TEXT NOT NULL CHECK (length(reason) <= 128),
  at_ts TEXT NOT NULL,
  at_mono_ns INTEGER NOT NULL CHECK (at_mono_ns >= 0),
  clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1)),
  status TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'sent', 'confirmed', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  next_attempt_at INTEGER,
  next_attempt_boot TEXT,
  last_error TEXT NOT NULL DEFAULT '',
  sent_at TEXT,
  confirmed_at TEXT,
  UNIQUE (event_id, event_status, volume_ml)
) STRICT;

CREATE INDEX flow_events_unconfirmed ON flow_events (event_seq) WHERE status <> 'confirmed';

CREATE TABLE audit_log (
  log_seq INTEGER PRIMARY KEY,
  actor TEXT NOT NULL CHECK (actor <> ''),
  action TEXT NOT NULL CHECK (action <> ''),
  target TEXT NOT NULL,
  details TEXT NOT NULL,
  at_ts TEXT NOT NULL,
  at_mono_ns INTEGER NOT NULL,
  clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1))
) STRICT;

CREATE TRIGGER audit_log_keeps BEFORE UPDATE ON audit_log
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_log_stays BEFORE DELETE ON audit_log
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;
)sql";

}  // namespace

std::string schema_v1_up() {
  return fmt::format("{}{}{}{}", notes_of_v1, pours_of_v1, pour_rules_of_v1, cache_and_logs_of_v1);
}

const char* const schema_v1_down = R"sql(
DROP TABLE audit_log;
DROP TABLE flow_events;
DROP TABLE calibrations;
DROP TABLE system_states;
DROP TABLE taps;
DROP TABLE kegs;
DROP TABLE beverages;
DROP TABLE cards;
DROP TABLE guests;
DROP TABLE server_knowledge;
DROP TABLE clock_marks;
DROP TABLE pours;
DROP TABLE meta;
)sql";

}  // namespace tapd::storage
