//! The statements: each is one round trip. Each row includes the database's time, in milliseconds since 1970.

/// Creates the table if it does not exist. A lock lets one program at a time do it. If the table exists, no
/// right to create tables is needed.
pub(super) const MIGRATE: &str = "
DO $$
BEGIN
    IF to_regclass('fhir_sub_records') IS NULL THEN
        PERFORM pg_advisory_xact_lock(7310296141892);
        CREATE TABLE IF NOT EXISTS fhir_sub_records (
            id text COLLATE \"C\" PRIMARY KEY,
            revision bigint NOT NULL,
            expires bigint,
            record text NOT NULL
        );
        CREATE INDEX IF NOT EXISTS fhir_sub_records_expires ON fhir_sub_records (expires)
            WHERE expires IS NOT NULL;
        COMMENT ON TABLE fhir_sub_records IS 'fhir-sub, schema 1';
    END IF;
END
$$";

macro_rules! now {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now"
    };
}

pub(super) const NOW: &str = concat!("SELECT ", now!());

pub(super) const GET: &str =
    concat!("SELECT ", now!(), ", (SELECT record FROM fhir_sub_records WHERE id = $1) AS record");

pub(super) const LIST: &str =
    concat!("SELECT ", now!(), ", record FROM fhir_sub_records WHERE id >= $1 AND id < $2");

/// A statement that puts a record. If it does not, it returns the existing record as it was when the
/// statement began. So it may miss a record that another instance puts meanwhile.
macro_rules! put {
    ($change:literal) => {
        concat!(
            "WITH put AS (",
            $change,
            " RETURNING id) SELECT ",
            now!(),
            ", EXISTS (SELECT FROM put) AS is_put, (SELECT record FROM fhir_sub_records WHERE id = $1) AS record"
        )
    };
}

pub(super) const INSERT: &str = put!(
    "INSERT INTO fhir_sub_records (id, revision, expires, record) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
);

pub(super) const UPDATE: &str = put!(
    "UPDATE fhir_sub_records SET revision = $2, expires = $3, record = $4 WHERE id = $1 AND revision = $5"
);

pub(super) const DELETE: &str = put!("DELETE FROM fhir_sub_records WHERE id = $1 AND revision = $2");

/// Records that another instance is just deleting are skipped.
pub(super) const CLEAN: &str = "
DELETE FROM fhir_sub_records WHERE id IN (
    SELECT id FROM fhir_sub_records WHERE expires <= $1 LIMIT 10000 FOR UPDATE SKIP LOCKED
)";
