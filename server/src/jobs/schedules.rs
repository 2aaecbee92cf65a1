//! Schedules: jobs that come again and again.
//!
//! Each time that comes is one transaction: it adds the job and moves the schedule to its next time, so that there is one
//! job for each however often the server dies. Times that came while nobody was there (the server was down, the clock was
//! set forward) are one: the job is submitted once, not once for each.

use std::{sync::Arc, time::Duration};

use croner::Cron;
use fourwire_shared::job::{
    Schedule, ScheduleList, ScheduleSpec, is_queue,
    schedule::{CRON_CHARS_MAX, DEFAULT_ZONE},
};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use tokio::time::sleep;

use super::{JobError, Jobs, change, office::Office, store::schedules, submit};
use crate::storage::within;

/// Schedules that are looked at in one round.
const BATCH: usize = 32;
/// How long to wait after the disk has refused.
const PAUSE: Duration = Duration::from_millis(500);

impl Jobs {
    /// Makes a schedule, or changes the one with this name; whether it is new.
    ///
    /// # Errors
    /// See [`JobError`]; the job's fields are named `job.…`.
    pub async fn schedule(&self, name: String, spec: ScheduleSpec) -> Result<(Schedule, bool), JobError> {
        if !is_queue(&name) {
            return Err(JobError::field("name", "it is 1 to 64 of a–z, 0–9, - and _"));
        }
        if spec.job.run_at.is_some() {
            return Err(JobError::field("job.run_at", "the schedule says when"));
        }
        if !spec.job.after.is_empty() || !spec.job.after_batch.is_empty() {
            return Err(JobError::field("job.after", "a schedule's job waits for its time alone"));
        }
        if spec.job.secret.is_some() {
            // It would have to be kept as it is.
            return Err(JobError::field("job.secret", "a schedule's jobs are everybody's"));
        }
        submit::checked(&self.office, spec.job.clone()).map_err(|error| submit::below("job", error))?;
        let zone = spec.zone.unwrap_or_else(|| DEFAULT_ZONE.to_owned());
        let next_at = next(&spec.cron, &zone, self.office.log.now_us())?;
        let schedule = Schedule {
            name,
            cron: spec.cron,
            zone,
            job: spec.job,
            paused: spec.paused,
            next_at,
            last_at: None,
            last_job: None,
            last_error: None,
        };
        let most = self.office.settings.schedules_max;
        let job = change::text(&schedule.job)?;
        let made = self.office.log.transact(job.len(), move |tx| {
            let old = within(tx, |c| schedules::find(c, &schedule.name))?;
            if old.is_none() && within(tx, schedules::count)? >= most {
                let what = format_args!("there are {most} schedules, which is as many as may be");
                return Err(JobError::field("name", what));
            }
            let new = old.is_none();
            let schedule = match old {
                Some(old) => Schedule {
                    last_at: old.last_at,
                    last_job: old.last_job,
                    last_error: old.last_error,
                    ..schedule
                },
                None => schedule,
            };
            within(tx, |c| schedules::put(c, &schedule, &job))?;
            Ok((schedule, new))
        });
        let made = made.await?;
        self.office.new_schedule.notify_one();
        Ok(made)
    }

    /// A schedule.
    ///
    /// # Errors
    /// [`JobError::ScheduleUnknown`], or the store's.
    pub async fn scheduled(&self, name: String) -> Result<Schedule, JobError> {
        let wanted = name.clone();
        let found = self.office.readers.read(move |c| schedules::find(c, &wanted)).await?;
        found.ok_or(JobError::ScheduleUnknown(name))
    }

    /// All schedules.
    ///
    /// # Errors
    /// The store's.
    pub async fn schedules(&self) -> Result<ScheduleList, JobError> {
        Ok(ScheduleList { schedules: self.office.readers.read(schedules::all).await? })
    }

    /// Forgets a schedule. Jobs that it has submitted stay.
    ///
    /// # Errors
    /// [`JobError::ScheduleUnknown`], or the store's.
    pub async fn unschedule(&self, name: String) -> Result<(), JobError> {
        self.office
            .log
            .transact(0, move |tx| match within(tx, |c| schedules::delete(c, &name))? {
                true => Ok(()),
                false => Err(JobError::ScheduleUnknown(name)),
            })
            .await
    }
}

/// Submits what the schedules say, until the server drains.
pub(super) async fn run(office: Arc<Office>) {
    let draining = office.draining.clone();
    let tick = async {
        loop {
            let new = office.new_schedule.notified();
            let pause = match tick_all(&office).await {
                Ok(()) => until_next_time(&office).await,
                Err(error) => {
                    tracing::warn!(%error, "the times of schedules cannot be kept now");
                    PAUSE
                }
            };
            tokio::select! {
                () = new => {}
                () = sleep(pause) => {}
            }
        }
    };
    draining.run_until_cancelled(tick).await;
}

async fn until_next_time(office: &Office) -> Duration {
    let longest = office.settings.look_every;
    match office.readers.read(schedules::next_time).await {
        Ok(Some(at)) => Duration::from_micros(at.saturating_sub(office.log.now_us())).min(longest),
        Ok(None) | Err(_) => longest,
    }
}

/// Submits for every time that has come.
async fn tick_all(office: &Arc<Office>) -> Result<(), JobError> {
    loop {
        let now = office.log.now_us();
        let due = office.readers.read(move |c| schedules::due(c, now, BATCH)).await?;
        if due.is_empty() {
            return Ok(());
        }
        for schedule in due {
            tick(office, schedule, now).await?;
        }
    }
}

/// Submits for one time, if nobody has changed the schedule meanwhile.
async fn tick(office: &Arc<Office>, schedule: Schedule, now: u64) -> Result<(), JobError> {
    // Outside the transaction: an expression may take a while to be searched for its next time.
    let following = next(&schedule.cron, &schedule.zone, now.max(schedule.next_at));
    let ready = submit::checked(office, schedule.job.clone());
    let this = Arc::clone(office);
    let submitted = office.log.transact_in_turn(0, move |tx| {
        let found = within(tx, |c| schedules::find(c, &schedule.name))?;
        let Some(mut is) = found.filter(|is| !is.paused && is.next_at == schedule.next_at) else {
            return Ok(None);
        };
        is.last_at = Some(is.next_at);
        (is.last_job, is.last_error) = match ready.and_then(|ready| submit::write(tx, &this, &ready)) {
            Ok(row) => (Some(row.job.id), None),
            // It may be so each time; the next time comes all the same.
            Err(error) if error.is_told() => (is.last_job, Some(error.to_string())),
            Err(error) => return Err(error),
        };
        match following {
            Ok(at) => is.next_at = at,
            // There is no next time any more.
            Err(_) => is.paused = true,
        }
        let job = change::text(&is.job)?;
        within(tx, |c| schedules::put(c, &is, &job))?;
        Ok::<_, JobError>(is.last_job.filter(|_| is.last_error.is_none()))
    });
    if let Some(id) = submitted.await? {
        office.secrets.reached(id);
        metrics::counter!("fourwire_jobs_submitted_total").increment(1);
        office.wake();
    }
    Ok(())
}

/// The first time behind `after` (µs) that an expression names, by the wall clock of a zone.
///
/// Where a clock is set forward, what it jumps over comes right after the jump; where it is set back, a fixed time comes
/// once: as Vixie's cron does it, by [`croner`].
fn next(cron: &str, zone: &str, after: u64) -> Result<u64, JobError> {
    let long = |field, text: &str| match text.chars().count() <= CRON_CHARS_MAX {
        true => Ok(()),
        false => Err(JobError::field(field, format_args!("it has at most {CRON_CHARS_MAX} characters"))),
    };
    long("cron", cron)?;
    long("zone", zone)?;
    let parsed: Cron =
        cron.parse().map_err(|error: croner::errors::CronError| JobError::field("cron", error))?;
    let zone = TimeZone::get(zone)
        .map_err(|_| JobError::field("zone", "it is a name of the IANA database, like Europe/Zurich"))?;
    let late = || JobError::field("cron", "it names no time that comes");
    let after = i64::try_from(after).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
    let after = Zoned::new(after.ok_or_else(late)?, zone);
    let found = parsed.find_next_occurrence(&after, false).map_err(|_| late())?;
    u64::try_from(found.timestamp().as_microsecond()).map_err(|_| late())
}

#[cfg(test)]
mod tests {
    use fourwire_shared::Problem;

    use super::*;

    fn us(text: &str) -> u64 {
        let time: Timestamp = text.parse().expect(text);
        time.as_microsecond().try_into().expect("after 1970")
    }

    #[test]
    fn the_next_time_goes_by_the_zone_s_wall_clock() {
        for (cron, zone, after, expected) in [
            ("*/5 * * * *", "UTC", "2026-11-27T10:00:00Z", "2026-11-27T10:05:00Z"),
            ("*/5 * * * *", "UTC", "2026-11-27T10:04:59.9Z", "2026-11-27T10:05:00Z"),
            ("*/10 * * * * *", "UTC", "2026-11-27T10:00:01Z", "2026-11-27T10:00:10Z"),
            ("0 3 * * *", "Europe/Zurich", "2026-11-27T10:00:00Z", "2026-11-28T02:00:00Z"),
            ("0 3 * * *", "Europe/Zurich", "2026-07-01T10:00:00Z", "2026-07-02T01:00:00Z"),
            ("0 0 * * MON", "UTC", "2026-11-27T10:00:00Z", "2026-11-30T00:00:00Z"),
            ("@daily", "UTC", "2026-11-27T10:00:00Z", "2026-11-28T00:00:00Z"),
            ("0 0 29 2 *", "UTC", "2026-11-27T10:00:00Z", "2028-02-29T00:00:00Z"),
            // The clock goes back at 3:00 to 2:00: half past two comes once.
            ("30 2 * * *", "Europe/Zurich", "2026-10-25T00:31:00Z", "2026-10-26T01:30:00Z"),
        ] {
            let found = next(cron, zone, us(after)).expect(cron);
            assert_eq!(found, us(expected), "{cron} {zone} after {after}");
        }
    }

    #[test]
    fn what_names_no_time_is_refused_by_its_field() {
        for (cron, zone, field) in [
            ("", "UTC", "cron"),
            ("every day", "UTC", "cron"),
            ("61 * * * *", "UTC", "cron"),
            ("0 0 30 2 *", "UTC", "cron"),
            (&"1,".repeat(100), "UTC", "cron"),
            ("0 0 * * *", "Mars/Olympus", "zone"),
            ("0 0 * * *", "", "zone"),
        ] {
            let problem = Problem::from(next(cron, zone, us("2026-11-27T10:00:00Z")).expect_err(cron));
            assert_eq!(problem.field.as_deref(), Some(field), "{cron:?} {zone:?}");
        }
    }
}
