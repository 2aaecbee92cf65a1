//! What the page says: one line at a time, shown for some seconds and read out politely.

use fourwire_shared::session::Notice;
use gloo::timers::callback::Timeout;
use yew::prelude::*;

use crate::{choice, live::Live};

/// How long a line stays, in ms.
const STAYS_MS: u32 = 6_000;

/// Says a line to the user: the outcome of her own act, or a loss. Never live data.
#[derive(Clone, PartialEq)]
pub struct Say(Callback<String>);

impl Say {
    /// Says `line`, in place of what was said before.
    pub fn say(&self, line: impl Into<String>) {
        self.0.emit(line.into());
    }
}

/// The page's voice.
#[hook]
pub fn use_say() -> Say {
    use_context::<Say>().expect("the shell provides the page's voice")
}

/// The page's voice, for the shell to provide, and where it shows. It speaks of the session's own notices, too.
#[hook]
pub fn use_voice(live: &Live) -> (Say, Html) {
    let said = use_state(|| None::<AttrValue>);
    let silence = use_mut_ref(|| None::<Timeout>);
    let say = {
        let (setter, silence) = (said.setter(), silence.clone());
        use_memo((), move |()| {
            Say(Callback::from(move |line: String| {
                setter.set(Some(line.into()));
                let setter = setter.clone();
                *silence.borrow_mut() = Some(Timeout::new(STAYS_MS, move || setter.set(None)));
            }))
        })
    };
    {
        let say = (*say).clone();
        use_effect_with(live.clone(), move |live| {
            if let (_, Some(name)) = choice::remembered() {
                say.say(format!("There is no wire called “{name}”: Auto it is."));
            }
            let watch = live.listen(move |notice| {
                if is_worth_saying(notice) {
                    say.say(notice.to_string());
                }
            });
            move || drop(watch)
        });
    }
    let shown = html! {
        <div class="said" role="status" aria-live="polite" data-testid="said">
            if let Some(line) = &*said { <p>{ line.clone() }</p> }
        </div>
    };
    ((*say).clone(), shown)
}

/// Whether the user should hear of it. A renewed connection, a lost one and its recovery are told by the state.
fn is_worth_saying(notice: &Notice) -> bool {
    match notice {
        Notice::Switched { from, to, .. } => from != to,
        Notice::SwitchFailed { .. } | Notice::Reset { .. } | Notice::Auto { .. } | Notice::Refused { .. } => {
            true
        }
        Notice::CaughtUp { ms, .. } => *ms >= 1_000,
        Notice::Lost { .. } | Notice::Gap { .. } | Notice::Healed { .. } => false,
    }
}
