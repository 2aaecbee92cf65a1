-- SHA-256 of the secret of a job that only whoever shows it may see; none: everybody may.
alter table job add column secret blob;

-- "which jobs are private", when the server starts.
create index job_private on job (job_id) where secret is not null;

pragma user_version = 8;
