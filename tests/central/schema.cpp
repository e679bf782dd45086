#include "tests/central/schema.hpp"

namespace tapd::central {
namespace {

/// Two servers that start together must not both create the tables.
constexpr const char* take_turns = "SELECT pg_advisory_xact_lock(7461706400)";

/// Names, types and rules are the dictionary's; what differs says why.
constexpr const char* dictionary_tables = R"sql(
CREATE TABLE IF NOT EXISTS beverages (
  beverage_id          UUID PRIMARY KEY,
  name                 VARCHAR(100) NOT NULL UNIQUE,
  brewery              VARCHAR(100),
  style                VARCHAR(50),
  abv                  DECIMAL(4,2),
  sell_price_per_liter DECIMAL(10,2) NOT NULL CHECK (sell_price_per_liter >= 0));

CREATE TABLE IF NOT EXISTS kegs (
  keg_id            UUID PRIMARY KEY,
  beverage_id       UUID NOT NULL REFERENCES beverages,
  initial_volume_ml INTEGER NOT NULL CHECK (initial_volume_ml >= 0),
  current_volume_ml INTEGER NOT NULL CHECK (current_volume_ml >= 0),
  purchase_price    DECIMAL(10,2),
  status            VARCHAR(20) NOT NULL CHECK (status IN ('full', 'in_use', 'empty')),
  tapped_at         TIMESTAMPTZ,
  finished_at       TIMESTAMPTZ,
  created_at        TIMESTAMPTZ NOT NULL DEFAULT now());

CREATE TABLE IF NOT EXISTS taps (
  tap_id          INTEGER PRIMARY KEY,
  keg_id          UUID UNIQUE REFERENCES kegs ON DELETE SET NULL,
  display_name    VARCHAR(50) NOT NULL,
  status          VARCHAR(20) NOT NULL CHECK (status IN ('active', 'locked', 'cleaning', 'empty')),
  last_cleaned_at TIMESTAMPTZ);

CREATE TABLE IF NOT EXISTS guests (
  guest_id      UUID PRIMARY KEY,
  last_name     VARCHAR(50),
  first_name    VARCHAR(50) NOT NULL,
  patronymic    VARCHAR(50),
  phone_number  VARCHAR(20) UNIQUE,
  date_of_birth DATE,
  id_document   VARCHAR(100),
  balance       DECIMAL(10,2) NOT NULL DEFAULT 0,
  is_active     BOOLEAN NOT NULL DEFAULT true,
  created_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at    TIMESTAMPTZ NOT NULL DEFAULT now());
CREATE INDEX IF NOT EXISTS idx_guests_last_name ON guests (last_name);

CREATE TABLE IF NOT EXISTS cards (
  card_uid   VARCHAR(50) PRIMARY KEY,
  guest_id   UUID REFERENCES guests ON DELETE CASCADE,
  status     VARCHAR(20) NOT NULL CHECK (status IN ('active', 'inactive', 'lost')),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now());
CREATE INDEX IF NOT EXISTS idx_cards_guest_id ON cards (guest_id);

-- price_per_ml_at_pour: the dictionary's DECIMAL(10,4) cannot hold a litre price of 12.95, which is
-- 0.01295 per millilitre; rounded to four decimals it would bill 13.00. Six decimals hold it.
-- content_sha256 tells a repeated id from a reused one. The columns from tail_volume_ml to
-- edges_lost keep what the controller says about the pour.
CREATE TABLE IF NOT EXISTS pours (
  pour_id              UUID PRIMARY KEY,
  client_tx_id         VARCHAR(100) NOT NULL CONSTRAINT idx_pours_client_tx_id UNIQUE,
  guest_id             UUID NOT NULL REFERENCES guests,
  card_uid             VARCHAR(50) NOT NULL REFERENCES cards,
  tap_id               INTEGER NOT NULL REFERENCES taps,
  keg_id               UUID NOT NULL REFERENCES kegs,
  volume_ml            INTEGER NOT NULL CHECK (volume_ml > 0),
  amount_charged       DECIMAL(10,2) NOT NULL CHECK (amount_charged >= 0),
  price_per_ml_at_pour NUMERIC(12,6) NOT NULL CHECK (price_per_ml_at_pour >= 0),
  poured_at            TIMESTAMPTZ NOT NULL,
  created_at           TIMESTAMPTZ NOT NULL DEFAULT now(),
  content_sha256       BYTEA NOT NULL,
  tail_volume_ml       INTEGER NOT NULL CHECK (tail_volume_ml BETWEEN 0 AND volume_ml),
  short_id             VARCHAR(8),
  duration_ms          INTEGER NOT NULL CHECK (duration_ms >= 0),
  started_at           TIMESTAMPTZ,
  authorized_by        VARCHAR(20) NOT NULL CHECK (authorized_by IN ('server', 'cache')),
  stop_reason          VARCHAR(64),
  pulses               BIGINT,
  edges_lost           BIGINT);
CREATE INDEX IF NOT EXISTS idx_pours_guest_id ON pours (guest_id);
CREATE INDEX IF NOT EXISTS idx_pours_tap_id ON pours (tap_id);

CREATE TABLE IF NOT EXISTS transactions (
  transaction_id UUID PRIMARY KEY,
  guest_id       UUID NOT NULL REFERENCES guests,
  amount         DECIMAL(10,2) NOT NULL,
  type           VARCHAR(20) NOT NULL CHECK (type IN ('top-up', 'refund', 'correction')),
  payment_method VARCHAR(20) CHECK (payment_method IN ('cash', 'card')),
  created_at     TIMESTAMPTZ NOT NULL DEFAULT now());

CREATE TABLE IF NOT EXISTS audit_logs (
  log_id        UUID PRIMARY KEY,
  actor_id      VARCHAR NOT NULL,
  action        VARCHAR NOT NULL,
  target_entity VARCHAR NOT NULL,
  target_id     VARCHAR NOT NULL,
  details       TEXT NOT NULL,
  timestamp     TIMESTAMPTZ NOT NULL DEFAULT now());

CREATE TABLE IF NOT EXISTS controllers (
  controller_id    VARCHAR(50) PRIMARY KEY,
  ip_address       VARCHAR(45) NOT NULL,
  firmware_version VARCHAR(20) NOT NULL,
  created_at       TIMESTAMPTZ NOT NULL DEFAULT now(),
  last_seen        TIMESTAMPTZ NOT NULL DEFAULT now());

CREATE TABLE IF NOT EXISTS system_states (
  key   VARCHAR(50) PRIMARY KEY,
  value VARCHAR(255) NOT NULL);
INSERT INTO system_states VALUES ('emergency_stop_enabled', 'false') ON CONFLICT DO NOTHING;
)sql";

/// `venue` has one row. installation_id makes the ETags of two databases differ even where their
/// revisions meet. An authorization that was not released is the lock of a card on a tap; there is
/// one per card at most.
constexpr const char* own_tables = R"sql(
CREATE TABLE IF NOT EXISTS venue (
  one_row         BOOLEAN PRIMARY KEY DEFAULT true CHECK (one_row),
  installation_id UUID NOT NULL,
  currency_code   CHAR(3) NOT NULL,
  minor_digits    INTEGER NOT NULL CHECK (minor_digits = 2),
  revision        BIGINT NOT NULL);
INSERT INTO venue VALUES (true, gen_random_uuid(), 'EUR', 2, 1) ON CONFLICT DO NOTHING;
-- A database from before knows no changes of its past.
DO $$
BEGIN
  ALTER TABLE venue ADD COLUMN changes_known_since BIGINT;
  UPDATE venue SET changes_known_since = revision;
EXCEPTION WHEN duplicate_column THEN NULL;
END $$;

-- The last revision that touched a row of the snapshot. What is no longer there is named, too.
CREATE TABLE IF NOT EXISTS changes (
  entity   TEXT NOT NULL,
  key      TEXT NOT NULL,
  revision BIGINT NOT NULL,
  PRIMARY KEY (entity, key));
CREATE INDEX IF NOT EXISTS idx_changes_revision ON changes (revision);

CREATE TABLE IF NOT EXISTS authorizations (
  authorization_id UUID PRIMARY KEY,
  card_uid         VARCHAR(50) NOT NULL REFERENCES cards,
  guest_id         UUID NOT NULL REFERENCES guests,
  tap_id           INTEGER NOT NULL REFERENCES taps,
  granted_at       TIMESTAMPTZ NOT NULL DEFAULT now(),
  released_at      TIMESTAMPTZ,
  released_by      VARCHAR(100));
CREATE UNIQUE INDEX IF NOT EXISTS idx_authorizations_open
  ON authorizations (card_uid) WHERE released_at IS NULL;

-- tap_id is no reference: telemetry about a tap that the venue does not know is still telemetry.
CREATE TABLE IF NOT EXISTS flow_events (
  event_id      VARCHAR(128) PRIMARY KEY,
  event_status  VARCHAR(20) NOT NULL CHECK (event_status IN ('started', 'updated', 'stopped')),
  tap_id        INTEGER NOT NULL,
  volume_ml     INTEGER NOT NULL CHECK (volume_ml >= 1),
  duration_ms   INTEGER NOT NULL CHECK (duration_ms >= 0),
  card_present  BOOLEAN NOT NULL,
  valve_open    BOOLEAN NOT NULL,
  session_state VARCHAR(64) NOT NULL,
  reason        VARCHAR(128),
  card_uid      VARCHAR(50),
  short_id      VARCHAR(8),
  first_heard   TIMESTAMPTZ NOT NULL DEFAULT now(),
  last_heard    TIMESTAMPTZ NOT NULL DEFAULT now());
)sql";

/// The revision moves in the transaction that changes the data: a reader sees both or neither. A
/// sequence would show the new number before the data is there. The `venue` row stays locked until
/// that transaction ends, so revisions are committed in their order and no change is noted behind
/// the back of a reader.
constexpr const char* triggers = R"sql(
-- So many revisions back changes are known; older ones are forgotten from time to time.
CREATE OR REPLACE FUNCTION changes_kept() RETURNS bigint LANGUAGE sql IMMUTABLE
  AS 'SELECT 100000::bigint';

CREATE OR REPLACE FUNCTION move_revision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  moved BIGINT;
  rows TEXT;
BEGIN
  UPDATE venue SET revision = revision + 1 RETURNING revision INTO moved;
  IF TG_OP = 'TRUNCATE' THEN
    UPDATE venue SET changes_known_since = revision;
    RETURN NULL;
  END IF;
  rows := format(CASE TG_OP WHEN 'UPDATE' THEN 'SELECT %1$I AS key FROM touched UNION '
                                               'SELECT %1$I FROM before'
                            ELSE 'SELECT %1$I AS key FROM touched' END, TG_ARGV[0]);
  EXECUTE format('INSERT INTO changes SELECT %L, key, %s FROM (%s) AS all_keys'
                 ' ON CONFLICT (entity, key) DO UPDATE SET revision = excluded.revision',
                 TG_TABLE_NAME, moved, rows);
  IF moved % 1000 = 0 THEN
    DELETE FROM changes WHERE revision <= moved - changes_kept();
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

DO $$
DECLARE
  name TEXT;
  key TEXT;
BEGIN
  FOR name, key IN VALUES
    ('beverages', 'beverage_id'), ('kegs', 'keg_id'), ('taps', 'tap_id'), ('guests', 'guest_id'),
    ('cards', 'card_uid'), ('system_states', 'key') LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS move_revision ON %I', name);
    EXECUTE format('CREATE OR REPLACE TRIGGER note_insert AFTER INSERT ON %I REFERENCING NEW TABLE '
                   'AS touched FOR EACH STATEMENT EXECUTE FUNCTION move_revision(%L)', name, key);
    EXECUTE format('CREATE OR REPLACE TRIGGER note_update AFTER UPDATE ON %I REFERENCING NEW TABLE '
                   'AS touched OLD TABLE AS before FOR EACH STATEMENT '
                   'EXECUTE FUNCTION move_revision(%L)', name, key);
    EXECUTE format('CREATE OR REPLACE TRIGGER note_delete AFTER DELETE ON %I REFERENCING OLD TABLE '
                   'AS touched FOR EACH STATEMENT EXECUTE FUNCTION move_revision(%L)', name, key);
    EXECUTE format('CREATE OR REPLACE TRIGGER note_truncate AFTER TRUNCATE ON %I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION move_revision()', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['pours', 'transactions', 'audit_logs'] LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE '
                   'ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
END $$;
)sql";

}  // namespace

void create_schema(Connection& connection) {
  Transaction transaction{connection};
  connection.run(take_turns);
  connection.run_script(dictionary_tables);
  connection.run_script(own_tables);
  connection.run_script(triggers);
  transaction.commit();
}

}  // namespace tapd::central
