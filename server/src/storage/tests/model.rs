//! Any sequence of batches, savepoints, rollbacks, prunes and reopenings leaves what a model in memory says.

use std::collections::BTreeMap;

use fourwire_shared::Seq;
use proptest::prelude::*;

use super::{Scratch, all, event, key, opened, record, topic};
use crate::log::store::{History, KeyRecord, Opened, Prune, Pruned, Store, StoredEvent, TopicRecord};

const NAMES: [&str; 3] = ["a", "b.c", "d"];

/// What a command of a batch does.
#[derive(Clone, Debug)]
enum Step {
    Publish { name: usize, bytes: u64 },
    PublishWithKey { name: usize, key: u8 },
    Reserve(u16),
    Prune { name: usize, what: Prune },
    PruneKeys { age: u64, rows_max: u32 },
}

#[derive(Clone, Debug)]
struct Batch {
    /// Each with whether it stays.
    commands: Vec<(Step, bool)>,
    stays: bool,
    then: Then,
}

#[derive(Clone, Copy, Debug)]
enum Then {
    GoOn,
    Idle,
    Reopen,
}

fn steps() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    let prune = (0..4_u64, 0..400_u64, 0..60_u64, 0..80_u64, 0..6_u32).prop_map(
        |(events_over, bytes_over, age, upto, rows_max)| Prune {
            events_over,
            bytes_over,
            before_at: 1_000 + age,
            upto: Seq::new(upto),
            rows_max,
        },
    );
    prop_oneof![
        4 => (name.clone(), 1..300_u64).prop_map(|(name, bytes)| Step::Publish { name, bytes }),
        3 => (name.clone(), 0..4_u8).prop_map(|(name, key)| Step::PublishWithKey { name, key }),
        1 => any::<u16>().prop_map(Step::Reserve),
        2 => (name, prune).prop_map(|(name, what)| Step::Prune { name, what }),
        1 => (0..80_u64, 0..4_u32).prop_map(|(age, rows_max)| Step::PruneKeys { age: 1_000 + age, rows_max }),
    ]
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let then = prop_oneof![4 => Just(Then::GoOn), 1 => Just(Then::Idle), 1 => Just(Then::Reopen)];
    let commands = prop::collection::vec((steps(), prop::bool::weighted(0.8)), 0..6);
    let batch = (commands, prop::bool::weighted(0.8), then).prop_map(|(commands, stays, then)| Batch {
        commands,
        stays,
        then,
    });
    prop::collection::vec(batch, 0..20)
}

/// What the store should hold.
#[derive(Clone, Debug, Default)]
struct Model {
    reserved: u64,
    topics: Vec<TopicRecord>,
    events: BTreeMap<&'static str, Vec<StoredEvent>>,
    keys: BTreeMap<(&'static str, String), KeyRecord>,
}

impl Model {
    fn of(&mut self, name: &'static str) -> &mut TopicRecord {
        let found = self.topics.iter().position(|known| known.topic == topic(name));
        let at = found.unwrap_or_else(|| {
            self.topics.push(record(name));
            self.topics.len() - 1
        });
        &mut self.topics[at]
    }

    fn publish(&mut self, name: &'static str, event: StoredEvent) -> TopicRecord {
        let History { head, events, bytes, .. } = &mut self.of(name).history;
        *head = event.seq;
        *events += 1;
        *bytes += event.frame_bytes;
        self.events.entry(name).or_default().push(event);
        self.of(name).clone()
    }

    fn prune(&mut self, name: &'static str, what: &Prune) -> Pruned {
        let mut pruned = Pruned::default();
        let events = self.events.entry(name).or_default();
        while let Some(oldest) = events.first().filter(|oldest| oldest.seq <= what.upto) {
            let exceeded = pruned.events < what.events_over
                || pruned.bytes < what.bytes_over
                || oldest.at < what.before_at;
            pruned.more = exceeded && pruned.events == u64::from(what.rows_max);
            if !exceeded || pruned.more {
                break;
            }
            let oldest = events.remove(0);
            pruned.floor = oldest.seq;
            pruned.events += 1;
            pruned.bytes += oldest.frame_bytes;
        }
        pruned
    }

    fn note(&mut self, name: &'static str, pruned: Pruned) -> TopicRecord {
        let history = &mut self.of(name).history;
        history.floor = history.floor.max(pruned.floor);
        history.events -= pruned.events;
        history.bytes -= pruned.bytes;
        self.of(name).clone()
    }

    fn prune_keys(&mut self, before_at: u64, rows_max: u32) -> u64 {
        let floors: BTreeMap<&str, Seq> =
            self.topics.iter().map(|known| (known.topic.as_str(), known.history.floor)).collect();
        let gone = |name: &str, record: &KeyRecord| record.at < before_at && record.seq <= floors[name];
        let mut old: Vec<_> = self
            .keys
            .iter()
            .filter(|((name, _), record)| gone(name, record))
            .map(|(place, record)| (record.at, place.clone()))
            .collect();
        old.sort();
        old.truncate(usize::try_from(rows_max).expect("a small number"));
        for (_, place) in &old {
            self.keys.remove(place);
        }
        old.len() as u64
    }
}

/// Does a step to both, and compares what they say.
fn apply(store: &mut dyn Store, model: &mut Model, step: &Step, seq: u64) {
    match step {
        Step::Publish { name, bytes } => {
            let event = StoredEvent { frame_bytes: *bytes, ..event(seq) };
            publish(store, model, NAMES[*name], event);
        }
        Step::PublishWithKey { name, key: letter } => {
            let (name, text) = (NAMES[*name], format!("key-{letter}"));
            publish(store, model, name, event(seq));
            let found = store.key(&topic(name), &text).expect("readable");
            assert_eq!(found.as_ref(), model.keys.get(&(name, text.clone())));
            store.put_key(&topic(name), &text, &key(seq, 1_000 + seq)).expect("a key");
            model.keys.insert((name, text), key(seq, 1_000 + seq));
        }
        Step::Reserve(more) => {
            model.reserved += u64::from(*more);
            store.reserve(Seq::new(model.reserved)).expect("numbers");
        }
        Step::Prune { name, what } => {
            let name = NAMES[*name];
            let pruned = store.prune(&topic(name), what).expect("pruned");
            assert_eq!(pruned, model.prune(name, what), "{what:?}");
            if model.topics.iter().any(|known| known.topic == topic(name)) {
                store.put_topic(&model.note(name, pruned)).expect("its floor");
            }
        }
        Step::PruneKeys { age, rows_max } => {
            let gone = store.prune_keys(*age, *rows_max).expect("pruned");
            assert_eq!(gone, model.prune_keys(*age, *rows_max));
        }
    }
}

fn publish(store: &mut dyn Store, model: &mut Model, name: &'static str, event: StoredEvent) {
    let record = model.publish(name, event.clone());
    store.put_topic(&record).expect("a topic");
    store.put_event(&topic(name), &event).expect("an event");
}

/// Runs a batch on the store, and gives what the model is after it.
fn run(store: &mut dyn Store, before: &Model, batch: &Batch, seq: &mut u64) -> Model {
    let mut model = before.clone();
    store.begin().expect("begin");
    for (step, stays) in &batch.commands {
        let back = model.clone();
        *seq += 1;
        store.savepoint().expect("a savepoint");
        apply(store, &mut model, step, *seq);
        if *stays {
            store.release().expect("release");
        } else {
            store.roll_back_to_savepoint().expect("back");
            model = back;
        }
    }
    if batch.stays {
        store.commit().expect("commit");
        return model;
    }
    store.rollback();
    before.clone()
}

fn compare(opened: &Opened, model: &Model) {
    for name in NAMES {
        let expected = model.events.get(name).cloned().unwrap_or_default();
        assert_eq!(opened.archive.newest(&topic(name)).expect("readable").as_ref(), expected.last());
        assert_eq!(all(opened, name), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn the_store_holds_what_the_model_says(batches in batches()) {
        let scratch = Scratch::new("model");
        let settings = crate::storage::Settings {
            durability: crate::storage::Durability::Normal,
            ..scratch.settings()
        };
        let mut store = opened(&settings);
        let (epoch, mut model, mut seq) = (store.epoch.clone(), Model::default(), 0);
        for batch in &batches {
            model = run(&mut *store.store, &model, batch, &mut seq);
            compare(&store, &model);
            match batch.then {
                Then::GoOn => {}
                Then::Idle => store.store.idle(),
                Then::Reopen => {
                    drop(store);
                    store = opened(&settings);
                    prop_assert_eq!(&store.epoch, &epoch);
                    prop_assert_eq!(store.reserved, Seq::new(model.reserved));
                    prop_assert_eq!(&store.topics, &model.topics);
                }
            }
        }
    }
}
