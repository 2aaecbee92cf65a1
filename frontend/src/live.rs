//! The page's one session: it carries all topics that the mounted components follow, and hands each its frames.
//!
//! A frame is folded into a component's state the moment it comes; the component renders at the pace of the screen.
//! Components come through [`use_topics`] and [`use_live`]; dropping them unsubscribes.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use fourwire_shared::{
    Topic,
    session::{self, Applied, Notice, Preference},
};
use yew::prelude::*;

use crate::{
    pace::Pace,
    wire::{Arrival, Driver, Lifecycle, LiveClock, Settings, Sink},
};

/// The page's session, shared by cloning.
#[derive(Clone)]
pub struct Live(Rc<Inner>);

impl PartialEq for Live {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

struct Inner {
    driver: Driver,
    hub: Rc<Hub>,
    clock: LiveClock,
    _lifecycle: Lifecycle,
}

/// Who wants what. The driver's sink.
#[derive(Default)]
struct Hub {
    next_id: Cell<u64>,
    feeds: RefCell<Vec<Feed>>,
    watchers: RefCell<Vec<(u64, Watcher)>>,
    notices: RefCell<Vec<(u64, Listener)>>,
    pace: RefCell<Option<Pace>>,
}

type Watcher = Rc<dyn Fn()>;
type Listener = Rc<dyn Fn(&Notice)>;
/// Takes one frame, and how it came.
pub type Folder = Rc<dyn Fn(&Applied, Arrival)>;

#[derive(Clone)]
struct Feed {
    id: u64,
    topics: Vec<Topic>,
    fold: Folder,
}

impl Sink for Hub {
    fn applied(&self, applied: &Applied, arrival: Arrival) {
        // A copy of the handles: a fold may subscribe.
        let folds: Vec<Folder> = self
            .feeds
            .borrow()
            .iter()
            .filter(|feed| feed.topics.contains(applied.topic()))
            .map(|feed| Rc::clone(&feed.fold))
            .collect();
        for fold in folds {
            fold(applied, arrival);
        }
    }

    fn notice(&self, notice: &Notice) {
        let listeners: Vec<Listener> = self.notices.borrow().iter().map(|(_, l)| Rc::clone(l)).collect();
        for listener in listeners {
            listener(notice);
        }
    }

    fn changed(&self) {
        if let Some(pace) = &*self.pace.borrow() {
            pace.ask();
        }
    }
}

impl Hub {
    fn new() -> Rc<Self> {
        let hub = Rc::new(Self::default());
        let me = Rc::downgrade(&hub);
        *hub.pace.borrow_mut() = Some(Pace::new(move || {
            let watchers: Vec<_> = me
                .upgrade()
                .map(|hub| hub.watchers.borrow().iter().map(|(_, watcher)| Rc::clone(watcher)).collect())
                .unwrap_or_default();
            for watcher in watchers {
                watcher();
            }
        }));
        hub
    }

    fn id(&self) -> u64 {
        self.next_id.set(self.next_id.get() + 1);
        self.next_id.get()
    }

    /// All topics that somebody follows, each once.
    fn topics(&self) -> Vec<Topic> {
        let feeds = self.feeds.borrow();
        let mut topics: Vec<Topic> = feeds.iter().flat_map(|feed| &feed.topics).cloned().collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}

impl Live {
    /// Starts the page's session. It is idle until somebody subscribes.
    pub fn start(preference: Preference) -> Self {
        let hub = Hub::new();
        let clock = LiveClock::start("");
        let mut session = session::Settings::new([]);
        session.preference = preference;
        let settings = Settings { base: String::new(), session, clock: Some(clock.clone()) };
        let driver = Driver::start(settings, hub.clone());
        let lifecycle = Lifecycle::attach(&driver, &clock);
        Self(Rc::new(Inner { driver, hub, clock, _lifecycle: lifecycle }))
    }

    /// The session.
    pub fn driver(&self) -> &Driver {
        &self.0.driver
    }

    /// The server's clock.
    pub fn clock(&self) -> &LiveClock {
        &self.0.clock
    }

    /// Follows `topics` until the subscription is dropped. It begins with a snapshot of each, also of a topic that
    /// somebody in the page follows already: that one is joined anew, and all its followers get the snapshot.
    pub fn subscribe(&self, topics: Vec<Topic>, fold: impl Fn(&Applied, Arrival) + 'static) -> Subscription {
        let hub = &self.0.hub;
        let followed = hub.topics();
        if topics.iter().any(|topic| followed.contains(topic)) {
            let others = followed.into_iter().filter(|topic| !topics.contains(topic)).collect();
            self.0.driver.follow(others);
        }
        let id = hub.id();
        hub.feeds.borrow_mut().push(Feed { id, topics, fold: Rc::new(fold) });
        self.0.driver.follow(hub.topics());
        Subscription { id, live: Rc::downgrade(&self.0) }
    }

    /// Calls `watcher` at most once per frame, when something may have changed, until the watch is dropped.
    pub fn watch(&self, watcher: impl Fn() + 'static) -> Watch {
        let id = self.0.hub.id();
        self.0.hub.watchers.borrow_mut().push((id, Rc::new(watcher)));
        Watch { id, hub: Rc::downgrade(&self.0.hub) }
    }

    /// Tells `listener` each notice, until the watch is dropped.
    pub fn listen(&self, listener: impl Fn(&Notice) + 'static) -> Watch {
        let id = self.0.hub.id();
        self.0.hub.notices.borrow_mut().push((id, Rc::new(listener)));
        Watch { id, hub: Rc::downgrade(&self.0.hub) }
    }
}

/// Topics followed for as long as it is held.
pub struct Subscription {
    id: u64,
    live: Weak<Inner>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(live) = self.live.upgrade() {
            live.hub.feeds.borrow_mut().retain(|feed| feed.id != self.id);
            live.driver.follow(live.hub.topics());
        }
    }
}

/// A callback that is called for as long as it is held.
pub struct Watch {
    id: u64,
    hub: Weak<Hub>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.upgrade() {
            hub.watchers.borrow_mut().retain(|(id, _)| *id != self.id);
            hub.notices.borrow_mut().retain(|(id, _)| *id != self.id);
        }
    }
}

/// The page's session.
#[hook]
pub fn use_live() -> Live {
    use_context::<Live>().expect("the shell provides the page's session to all its pages")
}

/// Gives the frames of `topics` to `fold` the moment they come, while the component lives, and renders it at most once
/// per frame of the screen. While `frozen`, frames are folded and nothing is rendered. Topics may change from render to
/// render: those that stay are not disturbed. `fold` is the one of the first render that had the topic.
#[hook]
pub fn use_topics(topics: Vec<Topic>, fold: Folder, frozen: bool) {
    let live = use_live();
    let update = use_force_update();
    let fresh = use_mut_ref(|| false);
    let followed = use_mut_ref(Vec::<(Topic, Subscription)>::new);
    {
        let (live, fresh) = (live.clone(), fresh.clone());
        use_effect_with(topics, move |topics| {
            let mut gone = std::mem::take(&mut *followed.borrow_mut());
            let kept = gone.extract_if(.., |(topic, _)| topics.contains(topic)).collect();
            *followed.borrow_mut() = kept;
            drop(gone);
            for topic in topics {
                if followed.borrow().iter().any(|(held, _)| held == topic) {
                    continue;
                }
                let (fold, fresh) = (Rc::clone(&fold), fresh.clone());
                let subscription = live.subscribe(vec![topic.clone()], move |applied, arrival| {
                    fold(applied, arrival);
                    *fresh.borrow_mut() = true;
                });
                followed.borrow_mut().push((topic.clone(), subscription));
            }
        });
    }
    use_effect_with(frozen, move |frozen| {
        let watch = (!frozen).then(|| {
            live.watch(move || {
                if std::mem::take(&mut *fresh.borrow_mut()) {
                    update.force_update();
                }
            })
        });
        move || drop(watch)
    });
}

/// What `look` sees in the session, rendered anew when it differs. Looks once per frame in which something happened,
/// and each `every_ms`, for words that change with time.
#[hook]
pub fn use_session<T: PartialEq + 'static>(every_ms: u32, look: fn(&Live) -> T) -> UseStateHandle<T> {
    let live = use_live();
    let seen = {
        let live = live.clone();
        use_state_eq(move || look(&live))
    };
    let setter = seen.setter();
    use_effect_with(live, move |live| {
        let again = {
            let live = live.clone();
            move || setter.set(look(&live))
        };
        let watch = live.watch(again.clone());
        let interval = gloo::timers::callback::Interval::new(every_ms, again);
        move || drop((watch, interval))
    });
    seen
}
