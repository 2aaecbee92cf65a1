//! A mailbox for each lot and one worker that empties it: all that waits is decided in the order in which it came, in one
//! transaction, and answered after its commit. While one batch is being committed, the next one gathers.
//!
//! A refused bid undoes no other: it is decided before anything is written for it. A fault of the store undoes them all,
//! and each is told so. A full mailbox is said at once.

use std::sync::Arc;

use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::{Duration, Instant, sleep},
};

use super::{Deciding, Desk, Strategy, lock};
use crate::{
    auctions::{
        Answer, AuctionError,
        decide::{self, Placed, Situation},
        house::{House, rows},
        mutant::mutant,
    },
    log::{LogError, Tx},
};

/// How long a mailbox is kept while the server drains: requests under way may still bring something.
const LAST_IDLE: Duration = Duration::from_millis(50);

type Reply = oneshot::Sender<Result<Answer, AuctionError>>;

/// A bid that waits.
pub(super) struct Letter {
    placed: Placed,
    since: Instant,
    reply: Reply,
}

/// Where bids are left.
pub(super) type Mailbox = mpsc::Sender<Letter>;

pub(super) struct Queue;

impl Strategy for Queue {
    fn place<'a>(&'a self, house: &'a Arc<House>, desk: &'a Arc<Desk>, placed: Placed) -> Deciding<'a> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            post(house, desk, Letter { placed, since: Instant::now(), reply })?;
            answer.await.unwrap_or(Err(LogError::Stopped.into()))
        })
    }
}

/// Leaves a bid in the mailbox, whose worker is set to work if it rests.
fn post(house: &Arc<House>, desk: &Desk, letter: Letter) -> Result<(), AuctionError> {
    let lot = letter.placed.lot;
    let mut mailbox = lock(&desk.mailbox);
    let letter = match mailbox.as_ref() {
        None => letter,
        Some(open) => match open.try_send(letter) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(_)) => return Err(AuctionError::Busy(lot)),
            Err(TrySendError::Closed(letter)) => letter,
        },
    };
    if house.tracker.is_closed() {
        return Err(LogError::Stopped.into()); // nobody would wait for the worker
    }
    let (open, letters) = mpsc::channel(house.settings.waiting_max.max(1));
    // The mailbox is new and has room for at least one.
    let _ = open.try_send(letter);
    *mailbox = Some(open);
    house.tracker.spawn(work(Arc::clone(house), letters));
    Ok(())
}

/// Empties a mailbox until nothing has come for a while; what comes as it closes is still decided.
async fn work(house: Arc<House>, mut letters: mpsc::Receiver<Letter>) {
    let most = house.settings.batch_max.max(1);
    let mut batch = Vec::new();
    loop {
        let is_draining = house.draining.is_cancelled();
        let idle = if is_draining { LAST_IDLE } else { house.settings.idle_max };
        // Nothing is lost with what loses: letters stay in the mailbox.
        tokio::select! {
            biased;
            came = letters.recv_many(&mut batch, most) => match came {
                0 => return,
                _ => decide_all(&house, std::mem::take(&mut batch)).await,
            },
            () = house.draining.cancelled(), if !is_draining => {}
            () = sleep(idle) => letters.close(),
        }
    }
}

/// Decides a batch in one transaction, and answers each after its commit.
async fn decide_all(house: &Arc<House>, batch: Vec<Letter>) {
    let (mut placed, mut replies) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
    for letter in batch {
        house.counts.waited("queue", letter.since.elapsed());
        placed.push(letter.placed);
        replies.push(letter.reply);
    }
    let this = Arc::clone(house);
    house.counts.transaction();
    let answers = house.log.transact(0, move |tx| decide_each(tx, &this, &placed)).await;
    match answers {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                // Whoever has gone away finds the answer under its key.
                let _ = reply.send(answer);
            }
        }
        Err(error) => {
            for reply in replies {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}

type Answers = Vec<Result<Answer, AuctionError>>;

/// What is wrong with one bid is that bid's; what is wrong with the store is everybody's.
fn decide_each(tx: &mut Tx<'_>, house: &House, batch: &[Placed]) -> Result<Answers, AuctionError> {
    let stale = if mutant!(house, StaleBatch) { situations(tx, batch)? } else { Vec::new() };
    let mut answers = Vec::with_capacity(batch.len());
    for (index, placed) in batch.iter().enumerate() {
        let answer = match stale.get(index) {
            Some(Some(situation)) => write_stale(tx, house, placed, situation.clone()),
            _ => decide::in_order(tx, house, placed),
        };
        match answer {
            Err(error @ (AuctionError::Log(_) | AuctionError::Conflict)) => return Err(error),
            own => answers.push(own),
        }
    }
    Ok(answers)
}

/// A fault that a test puts in: every bid of the batch sees the lot as the first one did.
fn situations(tx: &mut Tx<'_>, batch: &[Placed]) -> Result<Vec<Option<Situation>>, AuctionError> {
    batch.iter().map(|placed| rows(tx, |c| Situation::read(c, placed.lot, placed.bidder))).collect()
}

fn write_stale(
    tx: &mut Tx<'_>,
    house: &House,
    placed: &Placed,
    mut situation: Situation,
) -> Result<Answer, AuctionError> {
    let now = tx.now_us();
    let verdict = situation.judge(house, placed, now);
    if let Some((revision, _)) =
        rows(tx, |c| super::super::store::lots::revisions(c, placed.lot, placed.bidder))?
    {
        situation.book.revision = revision;
    }
    decide::write(tx, house, placed, situation, verdict, now)
}
